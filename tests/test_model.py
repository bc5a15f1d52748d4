"""Facts about the towers: equal to known code, causal, of unit length, with the paper's weights
and sizes.
"""

import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from paper_models import PARAMETERS
from small import BAG_OF_WORDS, CONVNET, RESNET, TRANSFORMER, VIT, small_clip, small_config
from torch import nn

from clipbench import CLIP, CLIPConfig
from clipbench.model import (
    Block,
    Bottleneck,
    QuickGELU,
    ResNetConfig,
    TransformerConfig,
    ViTConfig,
    attend,
)
from clipbench.pretrained.folders import world_tokenizer

# The same float32 sums in another order differ by a few of the 1.2e-7 that one rounding costs.
ROUNDING = {"rtol": 1e-5, "atol": 1e-6}

START, END = 4094, 4095
TEXTS = ["a cat", "a photo of two red cars next to a house.", "sun", ""]


def image_batch(size: int, count: int = 2) -> torch.Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def ids_of(words: list[int], length: int = 12, padding: int = 0) -> torch.Tensor:
    """One row of token ids: start, words, end, padding."""
    row = [START, *words, END]
    return torch.tensor([row + [padding] * (length - len(row))])


# -------------------- blocks


def torch_layer_like(
    block: Block, width: int, heads: int, activation
) -> nn.TransformerEncoderLayer:
    """PyTorch's own pre-norm layer with the weights of ours."""
    layer = nn.TransformerEncoderLayer(
        width,
        heads,
        4 * width,
        dropout=0.0,
        activation=activation,
        batch_first=True,
        norm_first=True,
    )
    into, out = block.attention.in_proj, block.attention.out_proj
    layer.load_state_dict(
        {
            "self_attn.in_proj_weight": into.weight,
            "self_attn.in_proj_bias": into.bias,
            "self_attn.out_proj.weight": out.weight,
            "self_attn.out_proj.bias": out.bias,
            "linear1.weight": block.mlp[0].weight,
            "linear1.bias": block.mlp[0].bias,
            "linear2.weight": block.mlp[2].weight,
            "linear2.bias": block.mlp[2].bias,
            "norm1.weight": block.ln_1.weight,
            "norm1.bias": block.ln_1.bias,
            "norm2.weight": block.ln_2.weight,
            "norm2.bias": block.ln_2.bias,
        }
    )
    return layer


@pytest.mark.parametrize("masked", [False, True], ids=["bidirectional", "causal"])
@pytest.mark.parametrize("activation, module", [("gelu", nn.GELU()), ("quick_gelu", QuickGELU())])
def test_a_block_equals_pytorchs_encoder_layer(activation, module, masked):
    torch.manual_seed(0)
    block = Block(24, 3, activation)
    for parameter in block.parameters():  # also the gains and biases, which start at 1 and 0
        nn.init.normal_(parameter, std=0.3)
    layer = torch_layer_like(block, 24, 3, module)
    x = torch.randn(2, 7, 24)
    mask = torch.full((7, 7), float("-inf")).triu(1) if masked else None
    torch.testing.assert_close(block(x, mask), layer(x, src_mask=mask), **ROUNDING)


def test_quick_gelu_is_near_gelu():
    x = torch.linspace(-6, 6, 200)
    assert 0.02 < (QuickGELU()(x) - nn.GELU()(x)).abs().max() < 0.021  # largest near x = -2.2


# -------------------- text


def test_a_later_token_does_not_reach_earlier_states():
    encoder = small_clip().text_encoder
    states = []
    encoder.blocks[-1].register_forward_hook(
        lambda module, inputs, output: states.append(output.detach())
    )
    row = ids_of([5, 6, 7, 8, 9, 10])
    changed = row.clone()
    changed[0, 4] = 77
    encoder(row), encoder(changed)
    before, after = states
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.isclose(before[:, 4:], after[:, 4:]).all(-1).any(), "later states hear of it"


def test_the_feature_of_a_text_is_the_last_state_at_its_end_token():
    encoder = small_clip().text_encoder
    states = []
    encoder.blocks[-1].register_forward_hook(lambda module, inputs, output: states.append(output))
    rows = torch.cat([ids_of([5, 6, 7]), ids_of([8])])
    features = encoder(rows)
    # start, words, end
    expected = encoder.ln_final(torch.stack([states[0][0, 4], states[0][1, 2]]))
    torch.testing.assert_close(features, expected, **ROUNDING)


@pytest.mark.parametrize("side", ["image", "text"])
def test_one_token_of_the_last_block_has_the_features_and_gradients_of_all(side):
    """A hook makes the last block compute all tokens; without one it computes the feature's."""
    encoder = getattr(small_clip(), f"{side}_encoder").double()
    inputs = torch.randn(2, 3, 32, 32).double()
    if side == "text":
        inputs = torch.cat([ids_of([5, 6, 7]), ids_of([8])])
    found, shapes = [], []

    def run():
        encoder.zero_grad()
        features = encoder(inputs)
        features.square().sum().backward()
        found.append([features, *(weight.grad.clone() for weight in encoder.parameters())])

    run()
    hook = (
        encoder.blocks[-1]
        .mlp[1]
        .register_forward_hook(lambda module, given, output: shapes.append(output.shape))
    )
    run()
    hook.remove()
    assert len(shapes) == 1 and shapes[0][1] > 1, "all tokens passed the hook"
    for alone, among_all in zip(*found, strict=True):
        torch.testing.assert_close(alone, among_all)


@given(st.lists(st.integers(0, START), min_size=3, max_size=3))
def test_tokens_after_the_end_of_text_never_matter(after):
    encoder = small_clip().text_encoder
    row = ids_of([5, 6, 7], length=8)
    noisy = row.clone()
    noisy[0, 5:] = torch.tensor(after)
    assert torch.equal(encoder(row), encoder(noisy))


def test_every_word_and_its_place_reach_the_feature():
    encoder = small_clip().text_encoder
    feature = encoder(ids_of([5, 6, 7, 8]))
    for other in ([9, 6, 7, 8], [5, 6, 7, 9], [5, 7, 6, 8], [5, 6, 7]):
        assert not torch.allclose(encoder(ids_of(other)), feature, atol=1e-3)


@pytest.mark.parametrize("text", [TRANSFORMER, BAG_OF_WORDS], ids=["transformer", "bag of words"])
def test_padding_to_the_batch_equals_padding_to_the_context(text):
    model, tokenizer = small_clip(text=text), world_tokenizer()
    short, full = tokenizer(TEXTS), tokenizer(TEXTS, pad_to=tokenizer.context_length)
    assert short.shape[1] < full.shape[1] == 32
    torch.testing.assert_close(model.encode_text(short), model.encode_text(full), **ROUNDING)


@pytest.mark.parametrize("text", [TRANSFORMER, BAG_OF_WORDS], ids=["transformer", "bag of words"])
def test_a_text_has_the_same_feature_in_any_batch(text):
    model, tokenizer = small_clip(text=text), world_tokenizer()
    together = model.encode_text(tokenizer(TEXTS))
    alone = torch.cat([model.encode_text(tokenizer([each])) for each in TEXTS])
    torch.testing.assert_close(together, alone, **ROUNDING)


@given(st.permutations([5, 6, 7, 8, 8]))
def test_a_bag_of_words_is_blind_to_order(words):
    encoder = small_clip(text=BAG_OF_WORDS).text_encoder
    torch.testing.assert_close(encoder(ids_of(words)), encoder(ids_of([5, 6, 7, 8, 8])), **ROUNDING)


def test_a_bag_of_words_is_the_mean_of_its_words_only():
    encoder = small_clip(text=BAG_OF_WORDS).text_encoder
    words = encoder.token_embedding.weight[[5, 6, 6]].mean(0, keepdim=True)
    torch.testing.assert_close(encoder(ids_of([5, 6, 6])), encoder.ln_final(words), **ROUNDING)
    assert torch.isfinite(encoder(ids_of([]))).all(), "a text without words has a feature too"


# -------------------- images


@pytest.mark.parametrize(
    "image, width",
    [(VIT, 32), (RESNET, 32 * 4), (CONVNET, 32 * 4), (ResNetConfig(32, (1, 1, 1, 1), 2, 1), 64)],
    ids=["vit", "resnet", "convnet", "resnet of one place"],
)
def test_image_encoders_give_one_row_of_their_width_a_picture(image, width):
    model = small_clip(image)
    images = image_batch(image.image_size, 3)
    assert (
        model.image_encoder(images).shape == (3, width)
        and model.image_encoder.feature_width == width
    )
    assert model.encode_image(images).shape == (3, 16)


@pytest.mark.parametrize("image", [VIT, RESNET, CONVNET], ids=["vit", "resnet", "convnet"])
def test_a_picture_has_the_same_feature_in_any_batch(image):
    model = small_clip(image)
    images = image_batch(image.image_size, 4)
    alone = torch.cat([model.encode_image(each[None]) for each in images])
    # convolution kernels are chosen by the size of the batch, and sum in different orders
    torch.testing.assert_close(model.encode_image(images), alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("image", [VIT, RESNET, CONVNET], ids=["vit", "resnet", "convnet"])
def test_every_corner_of_the_picture_reaches_the_feature(image):
    model = small_clip(image)
    if image is RESNET:  # its blocks begin as their shortcuts; let every path speak
        for module in model.image_encoder.modules():
            if isinstance(module, Bottleneck):
                nn.init.ones_(module.bn3.weight)
    images = image_batch(image.image_size, 1)
    feature = model.image_encoder(images)
    for row in (0, -1):
        for column in (0, -1):
            changed = images.clone()
            changed[..., row, column] += 5
            assert not torch.equal(model.image_encoder(changed), feature)


def test_attention_is_the_same_whether_fused_or_written_out():
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 4, 9, 8)
    mask = torch.full((9, 9), float("-inf")).triu(1)
    for each in (None, mask):
        fused = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=each)
        torch.testing.assert_close(attend(q, k, v, each), fused, **ROUNDING)


# -------------------- joint space


@pytest.mark.parametrize("image", [VIT, RESNET, CONVNET], ids=["vit", "resnet", "convnet"])
@pytest.mark.parametrize("text", [TRANSFORMER, BAG_OF_WORDS], ids=["transformer", "bag of words"])
def test_features_have_length_one(image, text):
    model = small_clip(image, text)
    image_features, text_features, _ = model(
        image_batch(image.image_size, 3), world_tokenizer()(TEXTS[:3])
    )
    for features in (image_features, text_features):
        torch.testing.assert_close(features.norm(dim=-1), torch.ones(3), **ROUNDING)


def test_scale_starts_at_one_over_0_07():
    model = small_clip()
    torch.testing.assert_close(model.scale, torch.tensor(1 / 0.07))
    # as released, to its digits
    assert float(model.logit_scale.detach()) == pytest.approx(2.6592, abs=1e-4)


@pytest.mark.parametrize("value, clamped", [(9.0, math.log(100)), (-3.0, 0.0), (3.0, 3.0)])
def test_training_keeps_logit_scale_between_0_and_ln_100(value, clamped):
    model = small_clip()
    model.logit_scale.data.fill_(value)
    # of a finished model nothing is cut off
    assert float(model.scale.detach()) == pytest.approx(math.exp(value))
    model.clamp_logit_scale()
    assert float(model.logit_scale.detach()) == pytest.approx(clamped)
    assert float(model.scale.detach()) <= 100.001  # exp(ln 100) in float32


# -------------------- initial weights


def test_initial_weights_are_those_of_the_paper():
    W, D, depth = 128, 64, 3
    torch.manual_seed(0)
    text = TransformerConfig(1000, 32, W, depth, 4)
    model = CLIP(CLIPConfig(D, ViTConfig(32, 8, 96, 1, 2), text))
    encoder = model.text_encoder
    expected = {
        "token_embedding.weight": 0.02,
        "positions": 0.01,
        **{f"blocks.{i}.attention.in_proj.weight": W**-0.5 for i in range(depth)},
        **{
            f"blocks.{i}.attention.out_proj.weight": W**-0.5 * (2 * depth) ** -0.5
            for i in range(depth)
        },
        **{f"blocks.{i}.mlp.0.weight": (2 * W) ** -0.5 for i in range(depth)},
        **{f"blocks.{i}.mlp.2.weight": W**-0.5 * (2 * depth) ** -0.5 for i in range(depth)},
    }
    stds = {name: float(weight.detach().std()) for name, weight in encoder.named_parameters()}
    # The smallest tensor has 4,096 numbers: its std is estimated to 1.1 %, and 5 % is more than
    # four times that.
    assert {name: stds[name] for name in expected} == pytest.approx(expected, rel=0.05)
    assert float(model.text_projection.weight.detach().std()) == pytest.approx(W**-0.5, rel=0.05)
    assert float(model.image_projection.weight.detach().std()) == pytest.approx(96**-0.5, rel=0.05)


def test_residual_blocks_of_the_resnet_begin_as_their_shortcuts():
    model = small_clip(RESNET)
    blocks = [module for module in model.image_encoder.modules() if isinstance(module, Bottleneck)]
    assert len(blocks) == 4 and all(not block.bn3.weight.any() for block in blocks)
    block, x = blocks[0], torch.randn(1, 4, 8, 8)
    assert torch.equal(block(x), block.shortcut(x).relu())


# -------------------- sizes


def count(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def test_parameters_of_a_small_clip_counted_by_hand():
    # widths of the image and the text tower, context length, joint space
    W, V, T, D = 32, 24, 32, 16
    model = small_clip()
    patches, class_token_and_places, norms = 3 * 8 * 8 * W, W + 17 * W, 2 * (2 * W)
    blocks = 2 * (12 * W * W + 13 * W)
    assert count(model.image_encoder) == patches + class_token_and_places + norms + blocks
    assert count(model.text_encoder) == 4096 * V + T * V + 2 * (12 * V * V + 13 * V) + 2 * V
    assert count(model) == count(model.image_encoder) + count(model.text_encoder) + (W + V) * D + 1


@pytest.mark.parametrize("name, parameters", PARAMETERS.items())
def test_models_of_the_paper_have_their_known_number_of_parameters(name, parameters):
    with torch.device("meta"):
        assert count(CLIP(CLIPConfig.named(name))) == parameters


def test_a_model_that_the_paper_does_not_have_is_refused_with_the_list_of_those_it_has():
    with pytest.raises(
        ValueError, match="no model 'ViT-B/31' in the paper; choose from RN50, RN101"
    ):
        CLIPConfig.named("ViT-B/31")


def test_models_of_the_paper_use_quick_gelu_unless_told_otherwise():
    assert (
        CLIPConfig.named("ViT-B/32").image.activation
        == CLIPConfig.named("RN50").text.activation
        == "quick_gelu"
    )
    later = CLIPConfig.named("ViT-B/16", activation="gelu")
    assert later.image.activation == later.text.activation == "gelu"


def test_classroom_model_has_at_most_8_million_parameters():
    with torch.device("meta"):
        assert count(CLIP(CLIPConfig.classroom())) <= 8_000_000


# -------------------- settings


@pytest.mark.parametrize(
    "config",
    [CLIPConfig.tiny(), CLIPConfig.classroom(), small_config(), small_config(RESNET, BAG_OF_WORDS)],
    ids=["tiny", "classroom", "small", "resnet and bag of words"],
)
def test_settings_survive_being_written_as_plain_data(config):
    assert CLIPConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    "change, named",
    [
        ({"image": {"kind": "cubist"}}, "unknown encoder 'cubist'"),
        ({"image": {"kind": "vit", "size": 3}}, "size"),
        ({"image": {"image_size": 32}}, "kind"),
        ({"text": {"kind": "transformer"}}, "vocab_size"),
    ],
)
def test_settings_that_do_not_exist_are_named(change, named):
    with pytest.raises(ValueError, match=named):
        CLIPConfig.from_dict(small_config().to_dict() | change)

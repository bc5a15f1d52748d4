"""The paper's nine models are the ones that transformers and open_clip compute: same weights
in, same features out.
"""

from dataclasses import replace

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from open_clip_reference import open_clip_model
from paper_models import PARAMETERS
from small import token_id_rows
from torch import nn

from clipbench.model import CLIP, PAPER_MODELS, AttentionPool, CLIPConfig, ResNetConfig, ViTConfig
from clipbench.preprocess import Preprocess
from clipbench.pretrained.configs import (
    config_of_weights,
    from_open_clip_config,
    hub_config,
    open_clip_config,
)
from clipbench.pretrained.folders import world_tokenizer
from clipbench.pretrained.weight_names import HUB, OPENAI_RESNET, OPENAI_VIT

# the others differ in numbers that `reduced` replaces
FAMILIES = ["RN50", "RN50x4", "ViT-B/32", "ViT-L/14@336"]
VITS = [name for name in PAPER_MODELS if name.startswith("ViT")]
# Largest difference of one number of two unit vectors: float32 rounding, through up to 24 blocks.
TOLERANCE = 1e-5


def reduced(config: CLIPConfig) -> CLIPConfig:
    """The same family with two blocks a tower or stage and narrow layers; heads stay 64 wide."""
    text = replace(config.text, vocab_size=600, context_length=20, width=128, depth=2, heads=2)
    if isinstance(config.image, ResNetConfig):
        image = replace(
            config.image,
            image_size=config.image.image_size // 224 * 64,
            layers=(2, 1, 2, 1),
            width=16,
            heads=8,
        )
    else:
        image = replace(
            config.image, image_size=3 * config.image.patch_size, width=128, depth=2, heads=2
        )
    return CLIPConfig(48, image, text)


@torch.no_grad()
def random_clip(config: CLIPConfig, seed: int = 0) -> CLIP:
    """A model in which no two gains, biases or statistics are alike, so that none can be
    mistaken for another.
    """
    torch.manual_seed(seed)
    model = CLIP(config).eval()
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter.add_(0.1 * torch.randn_like(parameter))
    for name, module in model.named_modules():
        # so that the picture is not lost on its way through a hundred layers
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if isinstance(module, nn.BatchNorm2d):
            # sums over many blocks stay small
            low, high = (0.2, 0.4) if name.endswith("bn3") else (0.8, 1.2)
            nn.init.uniform_(module.weight, low, high)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.8, 1.25)
        if isinstance(module, AttentionPool):
            module.q_proj.weight.mul_(4)  # so that it looks at some places more than at others
    return model


def inputs(config: CLIPConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """Two pictures of noise on a colour, and token ids of several lengths up to the whole
    context.
    """
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(2, 3, config.image_size, config.image_size, generator=generator)
    colours = torch.tensor([[1.5, -1.0, 0.0], [-1.0, 0.5, 1.0]])[:, :, None, None]
    return noise + colours, token_id_rows(config.text, [0, 3, 11, config.context_length - 2])


def in_open_clip(model: CLIP) -> nn.Module:
    """open_clip's model of the same settings, holding the very same tensors."""
    layout = OPENAI_RESNET if isinstance(model.config.image, ResNetConfig) else OPENAI_VIT
    settings = open_clip_config(model.config, Preprocess(model.config.image_size))["model_cfg"]
    with torch.device("meta"):
        theirs = open_clip_model.CLIP(**settings)
    theirs.load_state_dict(layout.write(model.state_dict()), assign=True)
    theirs.attn_mask = model.text_encoder.causal_mask
    return theirs.eval()


def in_transformers(model: CLIP, **changes) -> nn.Module:
    """transformers' model of the same settings, holding the very same tensors."""
    settings = hub_config(model.config, world_tokenizer())
    settings["text_config"]["eos_token_id"] = model.config.text.vocab_size - 1
    for tower in ("vision_config", "text_config"):
        settings[tower] |= changes
    with torch.device("meta"):
        theirs = transformers.CLIPModel(transformers.CLIPConfig(**settings))
    theirs.load_state_dict(HUB.write(model.state_dict()), assign=True)
    for name, buffer in list(theirs.named_buffers()):  # position_ids, which are not stored
        owner, _, attribute = name.rpartition(".")
        theirs.get_submodule(owner).register_buffer(
            attribute, torch.arange(buffer.shape[1])[None], persistent=False
        )
    return theirs.eval()


def difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """The largest difference of one number, between unit vectors of inputs that our model tells
    apart.
    """
    assert ours.shape == theirs.shape
    assert (ours[1:] - ours[:1]).abs().amax(1).min() > 100 * TOLERANCE, (
        "else nothing would be compared"
    )
    return float((ours - theirs).abs().max())


@torch.inference_mode()
def differences_from_open_clip(model: CLIP) -> tuple[float, float]:
    theirs, (images, token_ids) = in_open_clip(model), inputs(model.config)
    padded = nn.functional.pad(token_ids, (0, model.config.context_length - token_ids.shape[1]))
    return (
        difference(model.encode_image(images), theirs.encode_image(images, normalize=True)),
        difference(model.encode_text(token_ids), theirs.encode_text(padded, normalize=True)),
    )


@torch.inference_mode()
def differences_from_transformers(model: CLIP, **changes) -> tuple[float, float]:
    theirs, (images, token_ids) = in_transformers(model, **changes), inputs(model.config)
    output = theirs(pixel_values=images, input_ids=token_ids)
    return (
        difference(model.encode_image(images), output.image_embeds),
        difference(model.encode_text(token_ids), output.text_embeds),
    )


# -------------------- reduced, every day


@pytest.mark.parametrize("activation", ["quick_gelu", "gelu"])
@pytest.mark.parametrize("name", FAMILIES)
def test_reduced_models_give_open_clips_features(name, activation):
    model = random_clip(reduced(CLIPConfig.named(name, activation)))
    assert max(differences_from_open_clip(model)) < TOLERANCE


@pytest.mark.parametrize("activation", ["quick_gelu", "gelu"])
@pytest.mark.parametrize("name", FAMILIES[2:])
def test_reduced_models_give_transformers_features(name, activation):
    model = random_clip(reduced(CLIPConfig.named(name, activation)))
    assert max(differences_from_transformers(model)) < TOLERANCE


@pytest.mark.parametrize(
    "name, change", [("RN50", {"heads": 4}), ("ViT-L/14", {"width": 160})], ids=str
)
# LAION's ViT-H/14 has heads 80 wide
def test_heads_of_another_width_are_read_and_written_too(name, change):
    config = reduced(CLIPConfig.named(name, "gelu"))
    config = replace(config, image=replace(config.image, **change))
    assert max(differences_from_open_clip(random_clip(config))) < TOLERANCE
    assert from_open_clip_config(open_clip_config(config, Preprocess(config.image_size))) == config


def test_the_wrong_activation_would_be_seen():
    model = random_clip(reduced(CLIPConfig.named("ViT-B/32")))
    assert min(differences_from_transformers(model, hidden_act="gelu")) > 50 * TOLERANCE


def test_a_feature_from_the_token_beside_the_end_would_be_seen():
    model = random_clip(reduced(CLIPConfig.named("ViT-B/32")))
    states = []
    model.text_encoder.blocks[-1].register_forward_hook(
        lambda module, inputs, output: states.append(output)
    )
    _, token_ids = inputs(model.config)
    with torch.inference_mode():
        features = model.encode_text(token_ids)
        rows, ends = torch.arange(len(token_ids)), token_ids.argmax(1)
        for place in (ends - 1, (ends + 1).clamp(max=token_ids.shape[1] - 1)):
            state = model.text_encoder.ln_final(states[0][rows, place])
            beside = nn.functional.normalize(model.text_projection(state), dim=-1)
            assert (features - beside)[place != ends].abs().amax(1).min() > 100 * TOLERANCE


@pytest.mark.parametrize("name", PAPER_MODELS)
def test_the_settings_can_be_read_from_the_shapes_of_the_weights(name):
    config = CLIPConfig.named(name)
    with torch.device("meta"):
        model = CLIP(config)
    layout = OPENAI_VIT if isinstance(config.image, ViTConfig) else OPENAI_RESNET
    assert config_of_weights(layout.write(model.state_dict())) == config


@pytest.mark.parametrize("name", PAPER_MODELS)
def test_open_clip_counts_the_same_parameters(name):
    settings = open_clip_config(CLIPConfig.named(name), Preprocess(224))["model_cfg"]
    with torch.device("meta"):
        theirs = open_clip_model.CLIP(**settings)
    assert sum(parameter.numel() for parameter in theirs.parameters()) == PARAMETERS[name]


SMALL = random_clip(reduced(CLIPConfig.named("ViT-B/32")))


@given(st.lists(st.integers(0, 18), min_size=1, max_size=4))
def test_a_context_trimmed_to_the_longest_text_gives_the_same_features(lengths):
    ids = token_id_rows(SMALL.config.text, lengths)
    full = nn.functional.pad(ids, (0, SMALL.config.context_length - ids.shape[1]))
    with torch.inference_mode():
        assert (SMALL.encode_text(ids) - SMALL.encode_text(full)).abs().max() < 1e-6


# -------------------- full size, slow


@pytest.mark.slow
@pytest.mark.parametrize("name", PAPER_MODELS)
def test_full_models_give_open_clips_features(name):
    assert max(differences_from_open_clip(random_clip(CLIPConfig.named(name)))) < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("name", VITS)
def test_full_models_give_transformers_features(name):
    assert max(differences_from_transformers(random_clip(CLIPConfig.named(name)))) < TOLERANCE

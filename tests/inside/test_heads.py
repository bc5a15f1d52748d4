"""Facts about heads: their contributions sum to the image vector, ablation takes one out, texts that
were planted are found, and the lens ends with the model's own answer.
"""

import json

import pytest
import torch
import torch.nn.functional as F
from small import CONVNET, small_clip, small_encoder, write_small_model

from clipbench.cli.main import main
from clipbench.encoders.clip import ClipbenchEncoder, load
from clipbench.errors import UserError
from clipbench.inside.heads import contributions, in_words, lens
from clipbench.model import CLIP, CLIPConfig
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import world_tokenizer


def images_for(encoder, count: int = 3) -> torch.Tensor:
    size = encoder.image_size
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def shaken_encoder() -> ClipbenchEncoder:
    """A small ViT whose biases and norms are not those of a fresh model."""
    encoder, generator = small_encoder(), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in encoder.model.image_encoder.parameters():
            if weight.ndim == 1:
                weight.add_(0.3 * torch.randn(weight.shape, generator=generator))
    return encoder


def test_contributions_sum_to_the_image_vector():
    encoder = shaken_encoder()
    images = images_for(encoder)
    parts = contributions(encoder, images)
    assert parts.heads.shape == (3, 2, 2, 16) and parts.mlps.shape == (3, 2, 16)
    expected = encoder.encode_image(images)
    assert float((parts.total() - expected).abs().max()) < 1e-5
    assert float(parts.heads.abs().max()) > 1e-3


def test_a_shipped_vit_is_a_sum():
    encoder = load("classroom", "cpu")
    images = images_for(encoder, 2)
    assert (
        float((contributions(encoder, images).total() - encoder.encode_image(images)).abs().max())
        < 1e-5
    )


def test_a_heads_contribution_is_what_is_missing_without_its_last_layer():
    """In the last block a head acts on nothing but the class token: silence it, and the difference
    before the length is its contribution.
    """
    encoder = shaken_encoder()
    images = images_for(encoder)
    parts, model = contributions(encoder, images), encoder.model
    with torch.no_grad():
        model.image_encoder.blocks[1].mlp[2].weight.zero_()  # nothing after the head
        before = contributions(encoder, images)
        model.image_encoder.blocks[1].attention.out_proj.weight[:, :16] = 0  # head 0 of 2
        after = contributions(encoder, images)
    assert float(after.heads[:, 1, 0].abs().max()) == 0
    ratio = before.heads[:, 1, 1] / after.heads[:, 1, 1]  # only deviation and length differ
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio), rtol=1e-3, atol=1e-3)
    assert parts.heads.shape == after.heads.shape


def test_mean_ablation_leaves_nothing_of_a_head_but_its_mean():
    parts = contributions(shaken_encoder(), images_for(small_encoder(), 5))
    ablated = parts.mean_ablated([(1, 0), (0, 1)])
    assert float(ablated.heads[:, 1, 0].std(0).max()) < 1e-6
    torch.testing.assert_close(ablated.heads[:, 1, 1], parts.heads[:, 1, 1])
    difference = parts.total() - ablated.total()
    mine = parts.heads[:, 1, 0] + parts.heads[:, 0, 1]
    torch.testing.assert_close(difference, mine - mine.mean(0), atol=1e-6, rtol=1e-5)


def test_planted_texts_are_found_in_the_order_of_their_variance():
    generator = torch.Generator().manual_seed(0)
    texts = F.normalize(torch.randn(20, 12, generator=generator), dim=1)
    amounts = torch.randn(300, 2, generator=generator) * torch.tensor([3.0, 1.0])
    found = in_words(amounts @ texts[[4, 9]] + 5, texts, count=2)
    assert [text for text, _ in found] == [4, 9]
    assert found[0][1] > 0.7 and sum(share for _, share in found) == pytest.approx(1, abs=1e-4)
    with pytest.raises(ValueError, match="texts for"):
        in_words(amounts @ texts[:2], texts[:1], count=2)


def test_the_lens_ends_with_the_models_own_answer():
    encoder = shaken_encoder()
    images = images_for(encoder)
    seen = lens(encoder, images)
    assert seen.shape == (3, 3, 16)
    torch.testing.assert_close(seen[-1], encoder.encode_image(images), atol=1e-6, rtol=0)
    torch.testing.assert_close(seen.norm(dim=-1), torch.ones(3, 3))


def test_other_image_encoders_are_refused():
    encoder = ClipbenchEncoder(
        small_clip(CONVNET), world_tokenizer(), Preprocess(CONVNET.image_size)
    )
    for look in (contributions, lens):
        with pytest.raises(UserError, match="choose a vision transformer"):
            look(encoder, images_for(encoder))


def test_the_command_reads_heads(tmp_path, capsys):
    folder = write_small_model(tmp_path / "model")
    words = ["eval", "heads", "--model", str(folder), "--pictures", "60", "--json"]
    assert main(words) == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    assert 0 <= metrics["after_layer_2/top1_low"] <= metrics["after_layer_2/top1"] <= 1
    assert metrics["after_layer_2/top1"] == metrics["all/top1"]
    assert len(metrics["head_1_0/texts"].split(" | ")) == 5
    assert metrics["largest_error_of_the_sum"] < 1e-5


@pytest.mark.slow
def test_a_vit_of_the_paper_is_a_sum():
    torch.manual_seed(0)
    encoder = ClipbenchEncoder(
        CLIP(CLIPConfig.named("ViT-B/32")).eval(), world_tokenizer(77), Preprocess(224)
    )
    images = images_for(encoder, 2)
    parts = contributions(encoder, images)
    assert parts.heads.shape == (2, 12, 12, 512)
    assert float((parts.total() - encoder.encode_image(images)).abs().max()) < 1e-5
    assert lens(encoder, images).shape == (13, 2, 512)

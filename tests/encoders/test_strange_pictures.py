"""The shipped models' word on pictures: rates with room around those in EXPERIMENTS.md."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from small import noise_picture

import clipbench
from clipbench import open_pictures
from clipbench.data.alter.documents import document_pages
from clipbench.encoders.familiarity import ALARM, PICTURES, WORDS, ScenesSeen, statistics_of
from clipbench.pretrained.folders import find_folder, twins
from tools.measure_familiarity import cifar, lone_drawings, open_photographs, views

CIFAR = Path(__file__).parents[3] / "shared" / "data" / "cifar10" / "test.parquet"
MODELS = ["classroom", "tiny", *(f"twin:{twin}" for twin in twins())]


@pytest.fixture(scope="module")
def classroom():
    return clipbench.load("classroom")


def rate(encoder, pictures) -> float:
    if isinstance(pictures, torch.Tensor):
        arrays = pictures.permute(0, 2, 3, 1).numpy()
        pictures = [Image.fromarray(array) for array in arrays]
    return len(encoder.familiarity(pictures).strange) / len(pictures)


def some(name: str, count: int) -> list[Image.Image]:
    return open_pictures(name).pictures(range(count))


def test_new_scenes_seldom_alarm(classroom):
    assert rate(classroom, some("scenes:heldout", 300)) < 0.06


@pytest.mark.parametrize("artist", ["twemoji", "openmoji"])
def test_another_artists_pictures_seldom_alarm(classroom, artist):
    assert rate(classroom, some(artist, 150)) < 0.2
    assert rate(classroom, lone_drawings(artist)[:150]) < 0.2


def test_sharp_photographs_are_found(classroom):
    assert rate(classroom, views(open_photographs(None))[:100]) >= 0.7


def test_small_photographs_are_found(classroom):
    if not CIFAR.exists():
        pytest.skip("needs ../shared/data/cifar10")
    assert rate(classroom, cifar(CIFAR)[:150]) >= 0.7


def test_most_documents_are_found(classroom):
    pages = document_pages(25)
    assert rate(classroom, pages.pictures(range(len(pages)))) > 0.5


def test_the_tiny_model_knows_its_own_scenes():
    tiny = clipbench.load("tiny")
    assert rate(tiny, some("scenes:heldout256", 300)) < 0.08
    assert rate(tiny, views(open_photographs(None))[:100]) >= 0.7


def test_a_photograph_and_a_scene(classroom):
    photograph = open_photographs(None)[0]
    known = classroom.familiarity([photograph, some("scenes:heldout", 1)[0]], ["a dog"])
    assert known.shares[0] <= ALARM < known.shares[1] and known.strange == (0,)
    assert known.line == "1 of 2 pictures are unlike anything that the model was trained on"


def test_noise_is_no_scene(classroom):
    assert rate(classroom, [noise_picture(64, 64, seed=seed) for seed in range(20)]) == 1.0


@pytest.mark.parametrize("name", MODELS)
def test_each_reference_belongs_to_its_model(name):
    """After a new training: python -m tools.assets.build_familiarity MODEL."""
    folder, held = find_folder(name), set()
    if (folder / WORDS).exists():
        held.add(json.loads((folder / WORDS).read_text(encoding="utf-8"))["fingerprint"])
    if (folder / PICTURES).exists():
        with safe_open(folder / PICTURES, "pt") as file:
            held.add(file.metadata()["fingerprint"])
    assert held <= {clipbench.load(name).fingerprint}


def test_a_share_is_a_conformal_p_value():
    one = torch.ones(1)
    seen = ScenesSeen(0 * one, one, one, torch.tensor([0.0, 1.0, 2.0, 3.0]))
    shares = seen.shares(torch.tensor([[-1.0], [0.5], [1.0], [3.0], [3.5]]))
    assert shares == pytest.approx([1.0, 0.8, 0.8, 0.4, 0.2])
    assert seen.scores(torch.tensor([[1e6]])) == 8.0  # outliers are cut off


def test_statistics_are_mean_and_spread_of_every_layer(classroom):
    images = classroom.preprocess(some("scenes:heldout", 3))
    found = statistics_of(classroom.model, images)
    width, depth = classroom.model.config.image.width, classroom.model.config.image.depth
    assert found.shape == (3, 2 * width * depth)
    x = classroom.model.image_encoder
    heard = []
    hook = x.blocks[-1].register_forward_hook(lambda _, __, out: heard.append(out.detach()))
    x(images)
    hook.remove()
    assert torch.allclose(found[:, -2 * width : -width], heard[0].mean(1), atol=1e-5)
    assert torch.allclose(found[:, -width:], heard[0].std(1), atol=1e-5)
    assert not x.blocks[0]._forward_hooks


def test_views_are_reproducible():
    first, again = (views(open_photographs(None))[:5] for _ in range(2))
    assert torch.equal(first, again) and np.ptp(first.numpy()) > 100

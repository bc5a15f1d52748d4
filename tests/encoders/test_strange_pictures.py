"""The shipped models' word on pictures: rates with room around those in EXPERIMENTS.md."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from small import noise_picture, small_encoder

import clipbench
from clipbench import open_pictures
from clipbench.cli.main import main
from clipbench.data.alter.documents import document_pages
from clipbench.encoders.familiarity import (
    ALARM,
    PICTURES,
    WORDS,
    ScenesSeen,
    encoded_and_judged,
    layers_of,
    listening,
    statistics_of,
)
from clipbench.evaluate.features import feature_file
from clipbench.evaluate.features.compute import Noted
from clipbench.evaluate.features.feature_file import Parts, compute, embed
from clipbench.pretrained.folders import find_folder, read_json, twins
from clipbench_widgets.core.collection import collect
from tools.assets.build_familiarity import last_stage
from tools.measure_familiarity import cifar, lone_drawings, open_photographs, own_scenes, views

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


def test_the_tiny_model_knows_its_own_scenes_and_other_artists():
    tiny = clipbench.load("tiny")
    assert rate(tiny, some("scenes:heldout256", 300)) < 0.06
    assert rate(tiny, some("twemoji", 150)) < 0.2
    assert rate(tiny, lone_drawings("twemoji", 150)) < 0.2
    assert rate(tiny, views(open_photographs(None))[:100]) >= 0.7


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_every_shipped_model_tells_its_scenes_from_photographs(name):
    model, stage = clipbench.load(name), read_json(find_folder(name) / "about.json")
    assert rate(model, own_scenes(last_stage(stage), 200)) < 0.06
    assert rate(model, views(open_photographs(None))[:100]) >= 0.7


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


def test_pictures_are_judged_while_they_are_encoded(classroom):
    pictures = [noise_picture(64, 64, seed=1), *some("scenes:heldout", 3)]
    images = classroom.preprocess(pictures)
    features, shares = encoded_and_judged(classroom, classroom.encode_image, images)
    assert torch.allclose(features, classroom.encode_image(images), atol=1e-6)
    assert shares == pytest.approx(classroom.familiarity(pictures).shares)
    assert not any(layer._forward_hooks for layer in layers_of(classroom.model))


def test_what_another_thread_encodes_is_not_noted(classroom):
    images = classroom.preprocess(some("scenes:heldout", 2))
    with listening(classroom.model) as found, ThreadPoolExecutor(1) as pool:
        pool.submit(classroom.encode_image, images).result()
        assert found == []


def folder_of(tmp_path, pictures) -> Path:
    for number, picture in enumerate(pictures):
        picture.convert("RGB").save(tmp_path / f"{number}.png")
    return tmp_path


def test_a_folder_of_ones_own_is_judged_picture_by_picture(tmp_path, monkeypatch, capsys):
    """Once, with the features: they are stored together."""
    monkeypatch.setenv("CLIPBENCH_CACHE", str(tmp_path / "cache"))
    noise = [noise_picture(64, 64, seed=seed) for seed in range(4)]
    folder = folder_of(tmp_path, [*noise, *some("scenes:heldout", 6)])
    told = "4 of 10 pictures are unlike anything that the model was trained on: "
    out = str(tmp_path / "features.safetensors")
    for _ in range(2):
        assert main(["embed", "--data", str(folder), "--out", out, "--json"]) == 0
        assert told in capsys.readouterr().err
    for data in (out, str(folder)):
        assert main(["search", "--data", data, "--text", "a dog", "--json"]) == 0
        assert told in capsys.readouterr().err
    line = collect(clipbench.load("classroom"), str(folder)).familiarity.line
    assert line.startswith(told) and line.endswith(".png, ...")
    assert collect(clipbench.load("classroom"), noise).familiarity.line.startswith("4 of 4")


def test_a_model_of_ones_own_judges_no_pictures(tmp_path):
    noise = [noise_picture(64, 64, seed=seed) for seed in range(4)]
    stored = embed(
        small_encoder(), open_pictures(str(folder_of(tmp_path, noise))), tmp_path / "f.safetensors"
    )
    assert "shares" not in stored.about and stored.familiarity.line == ""


def test_a_stopped_run_judges_each_picture_once(classroom, tmp_path, monkeypatch):
    """What came before the stop is read again, with what was said of it."""
    data = open_pictures("scenes:heldout256").subset(range(12))
    monkeypatch.setattr(feature_file, "ROWS_A_PART", 4)
    parts = Parts(tmp_path / "f.safetensors", {"projected": True}, 4)
    noted = Noted()
    compute(classroom, data, parts, False, noted)
    again = Noted()
    assert len(parts.load(again)) == 12 and again.shares == pytest.approx(noted.shares)


def test_search_tells_of_unreadable_pictures(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CLIPBENCH_CACHE", str(tmp_path / "cache"))
    folder = folder_of(tmp_path, some("scenes:heldout", 3))
    (folder / "torn.png").write_bytes((folder / "0.png").read_bytes()[:200])
    assert main(["search", "--data", str(folder), "--text", "a dog", "--json"]) == 0
    assert "left out: 1 of 4 pictures cannot be read" in capsys.readouterr().err

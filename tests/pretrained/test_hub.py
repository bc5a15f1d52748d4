"""Facts about hub ids: what is fetched, what is found again without a network, and what a
failure says.
"""

import errno
import json
import shutil
import time

import pytest
from fake_hub import FakeHub
from huggingface_hub import constants
from small import noise_picture, one_line, write_small_model

from clipbench import UserError, load
from clipbench.cli import main
from clipbench.pretrained import hub
from clipbench.pretrained.folders import find_folder, load_pretrained, save_open_clip
from clipbench.pretrained.weights import INDEX, OPEN_CLIP_WEIGHTS, WEIGHTS, read_weights

NAME = "someone/clip-small"
PICKLE = "pytorch_model.bin"


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return write_small_model(tmp_path_factory.mktemp("good") / "model")


@pytest.fixture
def folder(good, tmp_path):
    return shutil.copytree(good, tmp_path / "published")


@pytest.fixture
def fake(tmp_path, monkeypatch, folder):
    """A hub that has one model, and an empty cache."""
    server = FakeHub()
    server.models[NAME, "main"] = folder
    monkeypatch.setattr(constants, "ENDPOINT", server.address)
    url = server.address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    # huggingface_hub waits before it tries again
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.chdir(tmp_path)
    yield server
    server.close()


def fetched(server: FakeHub) -> set[str]:
    return {path.rpartition("/")[2] for path in server.asked if "/resolve/" in path}


def refused(name: str = NAME) -> str:
    with pytest.raises(UserError) as error:
        find_folder(name)
    assert name in str(error.value)
    return one_line(error.value)


def cached_files(tmp_path) -> list:
    return [
        path
        for path in (tmp_path / "cache").rglob("*")
        if path.is_file() and "snapshots" in path.parts
    ]


def test_a_hub_id_is_downloaded_and_gives_the_same_model(fake, good):
    assert load(NAME).fingerprint == load(good).fingerprint


def test_what_has_been_downloaded_needs_no_network(fake, monkeypatch):
    first = find_folder(NAME)
    asked = len(fake.asked)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert find_folder(NAME) == first and len(fake.asked) == asked


def test_a_folder_here_comes_before_the_hub(fake, tmp_path, good):
    shutil.copytree(good, tmp_path / NAME)
    assert load_pretrained(find_folder(NAME)) and not fake.asked


def test_only_settings_tokenizer_and_safetensors_are_fetched(fake, folder):
    for name in (PICKLE, "README.md", "flax_model.msgpack", "tf_model.h5", "train.py"):
        (folder / name).write_bytes(b"not wanted")
    (folder / OPEN_CLIP_WEIGHTS).write_bytes(b"the same weights again")
    find_folder(NAME)
    assert fetched(fake) == {
        "config.json",
        "preprocessor_config.json",
        "tokenizer_config.json",
        "vocab.json",
        "merges.txt",
        WEIGHTS,
    }


def test_weights_come_last(fake):
    find_folder(NAME)
    files = [path.rpartition("/")[2] for path in fake.asked if "/resolve/" in path]
    assert files[-1] == WEIGHTS and files.index(WEIGHTS) >= len(set(files)) - 1


def test_a_model_of_open_clip_is_fetched_in_its_layout(fake, folder, good):
    model, tokenizer, preprocess = load_pretrained(good)
    shutil.rmtree(folder)
    save_open_clip(folder, model, tokenizer, preprocess)
    (folder / WEIGHTS).write_bytes(b"of timm, with an image encoder only")
    (folder / "config.json").write_text('{"architecture": "vit_base_patch32_clip_224"}')
    again, _, _ = load_pretrained(find_folder(NAME))
    assert WEIGHTS not in fetched(fake) and again.config.embed_dim == model.config.embed_dim


def test_weights_in_several_files_are_all_fetched(fake, folder):
    from safetensors.torch import save_file

    state = read_weights(folder / WEIGHTS)
    names = list(state)
    parts = {
        "model-00001-of-00002.safetensors": names[::2],
        "model-00002-of-00002.safetensors": names[1::2],
    }
    for name, tensors in parts.items():
        save_file({tensor: state[tensor].clone() for tensor in tensors}, folder / name)
    index = {"weight_map": {tensor: name for name, tensors in parts.items() for tensor in tensors}}
    (folder / INDEX).write_text(json.dumps(index))
    (folder / WEIGHTS).unlink()
    load_pretrained(find_folder(NAME))
    assert parts.keys() <= fetched(fake)


def test_the_hubs_own_conversion_of_a_pickle_is_found(fake, folder, good, tmp_path):
    (folder / WEIGHTS).rename(folder / PICKLE)
    fake.models[NAME, "refs/pr/7"] = good
    about = {
        "title": hub.CONVERSION,
        "status": "open",
        "isPullRequest": True,
        "createdAt": "2023-01-01T00:00:00.000Z",
        "repo": {"name": NAME, "type": "model"},
    }
    fake.discussions[NAME] = [
        about | {"num": 3, "author": {"name": "stranger"}},
        about | {"num": 7, "author": {"name": "SFconvertbot"}},
    ]
    found = find_folder(NAME)
    assert load_pretrained(found) and find_folder(NAME) == found
    assert PICKLE not in fetched(fake)


def test_a_model_that_is_only_a_pickle_is_refused_and_not_fetched(fake, folder):
    (folder / WEIGHTS).rename(folder / PICKLE)
    assert f"no safetensors; {PICKLE} is a pickle" in refused()
    assert PICKLE not in fetched(fake)


def test_another_kind_of_model_is_refused_before_its_weights_are_fetched(fake, folder):
    (folder / "config.json").write_text('{"model_type": "bert"}')
    assert "is no CLIP; give a model with an image and a text encoder" in refused()
    assert WEIGHTS not in fetched(fake)


@pytest.mark.parametrize("name", ["vocab.json", "preprocessor_config.json"])
def test_what_another_program_left_out_is_fetched_when_it_is_needed(fake, name):
    (find_folder(NAME) / name).unlink()
    assert (find_folder(NAME) / name).exists()


def test_an_unknown_id_is_told_apart_from_a_missing_folder(fake):
    assert (
        refused("someone/else")
        == "no folder 'someone/else' here, and no public model of that name on the hub"
    )


@pytest.mark.parametrize("offline", [True, False], ids=["switched off", "unreachable"])
def test_without_a_network_one_line_says_what_to_do(fake, monkeypatch, offline):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    # the port where nobody answers
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "the hub cannot be reached" in refused() and "copy the model's folder here" in refused()


def test_the_command_line_says_it_in_one_line_too(fake, monkeypatch, capfd, tmp_path):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    noise_picture(20, 20).save(tmp_path / "picture.png")
    assert main(["classify", str(tmp_path / "picture.png"), "--model", NAME]) == 2
    captured = capfd.readouterr()
    assert (
        captured.out == "" and captured.err.count("\n") == 1 and "cannot be reached" in captured.err
    )


@pytest.mark.parametrize("name", [WEIGHTS, "vocab.json"])
def test_a_download_that_breaks_off_leaves_nothing_half_written(
    fake, folder, tmp_path, monkeypatch, name
):
    fake.breaks_off.add(name)
    refused()
    for path in cached_files(tmp_path):
        assert path.read_bytes() == (folder / path.name).read_bytes(), "whatever is there is whole"
    assert name not in {path.name for path in cached_files(tmp_path)}
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "cannot be reached" in refused(), "half a model is not taken for one"


def test_the_next_try_after_a_broken_download_completes_it(fake, good):
    fake.breaks_off.add(WEIGHTS)
    refused()
    fake.breaks_off.clear()
    assert load(NAME).fingerprint == load(good).fingerprint


def test_a_full_disk_is_said_in_one_line(fake, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("huggingface_hub.snapshot_download", full)
    assert "no space left to download" in refused()


@pytest.mark.parametrize(
    "name", ["no such/model here", "../up", "/absent/folder", "a/b/c", "someone/", ""]
)
def test_what_is_no_hub_id_does_not_go_to_the_hub(fake, name):
    with pytest.raises(UserError, match="no model|no config.json"):
        find_folder(name) if name else find_folder("absent")
    assert not fake.asked

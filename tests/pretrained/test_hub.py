"""Facts about hub ids: what is fetched, what is found again without a network, and what a
failure says.
"""

import errno
import json
import shutil
import time

import pytest
import torch
from fake_hub import FakeHub, commit_of
from huggingface_hub import constants
from small import noise_picture, one_line, write_small_model

from clipbench import UserError, load
from clipbench.cli import main
from clipbench.errors import Notice
from clipbench.files import sha256
from clipbench.pretrained import hub
from clipbench.pretrained.folders import find_folder, load_pretrained, save_open_clip
from clipbench.pretrained.openai_sources import SOURCES, Source, plain, source_of
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
        == "no folder 'someone/else' here, and no public model of that name on the hub "
        "(someone/else)"
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


# -------------------- OpenAI's models

REPO, HUB = "timm/small_clip.openai", "openai/clip-small"


@pytest.fixture
def both(fake, good, tmp_path, monkeypatch):
    """A hub with one of OpenAI's models in both layouts, in the two repositories that have it:
    here of small random weights, as ViT-B/32. The folder in open_clip's layout, whose commit is
    pinned.
    """
    model, tokenizer, preprocess = load_pretrained(good)
    theirs = tmp_path / "open_clip"
    save_open_clip(theirs, model, tokenizer, preprocess)
    (theirs / WEIGHTS).write_bytes(b"of timm, with an image encoder only")
    (theirs / "config.json").write_text('{"architecture": "small_clip"}')
    pickled = shutil.copytree(good, tmp_path / "pickled")
    (pickled / WEIGHTS).rename(pickled / PICKLE)
    fake.models |= {(REPO, "main"): theirs, (HUB, "main"): pickled, (HUB, "refs/pr/2"): good}
    robot = {"title": hub.CONVERSION, "status": "open", "isPullRequest": True, "num": 2}
    when = {"createdAt": "2023-01-01T00:00:00.000Z", "repo": {"name": HUB, "type": "model"}}
    fake.discussions[HUB] = [robot | when | {"author": {"name": "SFconvertbot"}}]
    place_at(monkeypatch, commit_of(theirs), sha256(theirs / OPEN_CLIP_WEIGHTS))
    return theirs


def place_at(monkeypatch, revision: str | None, digest: str | None) -> None:
    monkeypatch.setitem(SOURCES, "ViT-B/32", Source(REPO, HUB, revision, digest))


@pytest.mark.parametrize("name", ["ViT-B/32", "ViT-B-32", HUB, REPO])
def test_every_name_of_openais_model_leads_to_the_repository_of_open_clip(
    fake, both, name, recwarn
):
    encoder = load(name)
    assert encoder.name == name and fetched(fake) & {WEIGHTS, PICKLE} == set()
    told = [str(warning.message) for warning in recwarn if warning.category is Notice]
    assert told == ([] if name == REPO else [f"{name} comes from {REPO}"])
    assert not any("/api/models/openai/" in path for path in fake.asked)


@pytest.mark.filterwarnings("ignore:.* comes from")
def test_both_layouts_give_the_same_features(fake, both, tmp_path, monkeypatch):
    first = load("ViT-B/32")
    del fake.models[REPO, "main"]
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "another cache"))
    with pytest.warns(Notice, match=rf"no public model .*\({REPO}\); .* comes from {HUB}"):
        second = load("ViT-B/32")
    assert OPEN_CLIP_WEIGHTS in fetched(fake) and WEIGHTS in fetched(fake)
    images, texts = first.preprocess([noise_picture(40, 30)]), ["a cat", "two red dogs."]
    for encode, asked in (("encode_image", images), ("encode_text", texts)):
        found, expected = getattr(first, encode)(asked), getattr(second, encode)(asked)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    assert first.scale == second.scale and first.fingerprint == second.fingerprint


@pytest.mark.filterwarnings("ignore:.* comes from")
@pytest.mark.parametrize("first", ["ViT-B/32", HUB, REPO])
def test_openais_model_is_found_again_in_the_cache_under_any_name(fake, both, first, monkeypatch):
    place = find_folder(first)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert {find_folder(name) for name in ("ViT-B/32", "ViT-B-32", HUB, REPO)} == {place}


def test_other_weights_than_the_known_ones_are_not_used(fake, both, monkeypatch):
    place_at(monkeypatch, commit_of(both), "0" * 64)
    with pytest.warns(Notice, match=f"other weights .* comes from {HUB}"):
        assert "openai--clip-small" in str(find_folder("ViT-B/32"))


def test_settings_that_forget_quick_gelu_are_not_used(fake, both, monkeypatch):
    settings = json.loads((both / "open_clip_config.json").read_text())
    settings["model_cfg"]["quick_gelu"] = False
    (both / "open_clip_config.json").write_text(json.dumps(settings))
    with pytest.warns(Notice, match=f"does not say .* QuickGELU.* comes from {HUB}"):
        find_folder("ViT-B/32")
    assert OPEN_CLIP_WEIGHTS not in fetched(fake)


def test_a_pinned_commit_that_is_gone_leads_to_the_main_branch(fake, both, monkeypatch):
    place_at(monkeypatch, "f" * 40, sha256(both / OPEN_CLIP_WEIGHTS))
    with pytest.warns(Notice, match=f"has no such revision any more; ViT-B/32 comes from {REPO}"):
        find_folder("ViT-B/32")


def test_openais_model_that_is_nowhere_is_refused_in_one_line(fake, both):
    for key in [(REPO, "main"), (HUB, "main"), (HUB, "refs/pr/2")]:
        del fake.models[key]
    with pytest.raises(UserError, match=rf"\({REPO}\); .*\({HUB}\)") as error:
        find_folder("ViT-B/32")
    one_line(error.value)


def test_without_a_network_openais_name_is_told_as_it_was_given(fake, both, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="no folder 'ViT-B/32' here.*cannot be reached"):
        find_folder("ViT-B/32")


def test_the_table_knows_openais_nine_models_by_all_their_names():
    names = {
        "RN50": ("RN50", "timm/resnet50_clip.openai"),
        "ViT-B/16": ("ViT-B-16", "openai/clip-vit-base-patch16"),
        "ViT-L/14": ("ViT-L-14", "timm/vit_large_patch14_clip_224.openai"),
        "ViT-L/14@336": ("ViT-L/14@336px", "ViT-L-14-336", "openai/clip-vit-large-patch14-336"),
    }
    for name, others in names.items():
        assert {source_of(other) for other in others} == {SOURCES[name]}
    assert len(SOURCES) == 9 and source_of("laion/CLIP-ViT-B-32-laion2B-s34B-b79K") is None


def test_the_table_is_that_of_open_clip():
    from open_clip_reference import open_clip

    for name, source in SOURCES.items():
        theirs = open_clip.get_pretrained_cfg(plain(name), "openai")
        assert theirs["hf_hub"] == f"{source.repo}/" and theirs["quick_gelu"]


# -------------------- doctor --online


@pytest.fixture
def one_model(both, monkeypatch):
    """As if OpenAI had published only one model."""
    for name in set(SOURCES) - {"ViT-B/32"}:
        monkeypatch.delitem(SOURCES, name)
    return both


def test_the_doctor_finds_both_ways_without_fetching_weights(fake, one_model):
    (report,) = hub.openai_report()
    assert report == {
        "model": "ViT-B/32",
        "ok": True,
        "found": [
            f"{REPO}: commit {commit_of(one_model)[:12]} (pinned), weights as known",
            f"{HUB}: safetensors in refs/pr/2",
        ],
    }
    assert not fetched(fake)


def test_the_doctor_tells_other_weights_and_what_is_missing(fake, one_model, monkeypatch):
    place_at(monkeypatch, None, "0" * 64)
    fake.discussions.clear()
    (report,) = hub.openai_report()
    assert not report["ok"] and report["found"][0].endswith(
        "(main branch), other weights than known"
    )
    assert report["found"][1] == f"{HUB}: no safetensors"


def test_the_doctors_command_prints_it_and_ends_with_1_where_nothing_is_found(
    no_live_training, fake, one_model, capsys, monkeypatch
):
    assert main(["doctor", "--online"]) in (0, 1)
    assert f"online     ViT-B/32: {REPO}: commit" in capsys.readouterr().out
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert main(["doctor", "--online"]) == 1
    assert f"MISSING    ViT-B/32: {HUB}: " in capsys.readouterr().out

"""Feature files: what goes in comes out, a killed run goes on to the same bits, and nothing is
mixed up.
"""

import json
import os
import signal
from dataclasses import replace

import pytest
import torch
from forked import in_a_fork
from small import noise_picture, small_clip, small_encoder, write_image_folder, write_small_model

from clipbench import UserError, image_features, open_pictures
from clipbench.cli import main
from clipbench.evaluate.features import feature_file
from clipbench.evaluate.features.feature_file import (
    cached_image_features,
    data_fingerprint,
    embed,
    open_features,
    parts_folder,
    read_features,
    sidecar,
)


@pytest.fixture(autouse=True)
def threads_as_they_are(monkeypatch):
    """Calibration encodes pictures too, and other threads may give other last bits."""
    monkeypatch.setattr(feature_file, "calibrate_threads", lambda *_: None)


class Counting:
    """An encoder that counts its pictures and can be stopped after some."""

    def __init__(self, encoder, stop_after=None):
        self.encoder, self.seen, self.stop_after = encoder, 0, stop_after

    def __getattr__(self, name):
        return getattr(self.encoder, name)

    def encode_image(self, images):
        if self.stop_after is not None and self.seen >= self.stop_after:
            raise KeyboardInterrupt
        self.seen += len(images)
        return self.encoder.encode_image(images)


@pytest.fixture(scope="module")
def encoder():
    return small_encoder()


@pytest.fixture(scope="module")
def data():
    return open_pictures("digits").subset(range(90))


@pytest.mark.parametrize("projected", [True, False])
def test_a_file_holds_the_features_and_what_they_are_of(encoder, data, tmp_path, projected):
    file = tmp_path / "digits.safetensors"
    stored = embed(encoder, data, file, projected, batch_size=32)
    assert torch.equal(stored.features, image_features(encoder, data, 32, projected))
    assert torch.equal(stored.labels, data.labels) and stored.ids == list(data.ids)
    about = json.loads(sidecar(file).read_text())
    assert (
        about["rows"] == 90
        and about["projected"] is projected
        and about["fingerprint"] == encoder.fingerprint
    )
    assert (
        about["class_names"] == data.class_names
        and about["data"] == data.name
        and "created_by" in about
    )
    assert not parts_folder(file).exists()


def test_a_finished_file_is_read_and_not_computed_again(encoder, data, tmp_path):
    counting = Counting(encoder)
    for _ in range(2):
        embed(counting, data, tmp_path / "f.safetensors")
    assert counting.seen == 90


@pytest.mark.parametrize("stop_after", [16, 48, 80])
def test_a_stopped_run_goes_on_to_the_same_bits(encoder, data, tmp_path, monkeypatch, stop_after):
    monkeypatch.setattr(feature_file, "ROWS_A_PART", 32)
    file = tmp_path / "f.safetensors"
    with pytest.raises(KeyboardInterrupt):
        embed(Counting(encoder, stop_after), data, file, batch_size=16)
    assert not file.exists()
    counting = Counting(encoder)
    stored = embed(counting, data, file, batch_size=16)
    assert torch.equal(stored.features, image_features(encoder, data, 16))
    assert counting.seen == 90 - stop_after // 32 * 32


def test_parts_of_another_model_or_torn_parts_are_not_used(encoder, data, tmp_path, monkeypatch):
    monkeypatch.setattr(feature_file, "ROWS_A_PART", 32)
    file = tmp_path / "f.safetensors"
    other = small_encoder()
    other.model = small_clip(seed=5).eval()
    other._fingerprint = None
    with pytest.raises(KeyboardInterrupt):
        embed(Counting(other, 64), data, file, batch_size=16)
    counting = Counting(encoder)
    assert torch.equal(
        embed(counting, data, file, batch_size=16).features, image_features(encoder, data, 16)
    )
    assert counting.seen == 90
    file.unlink()
    with pytest.raises(KeyboardInterrupt):
        embed(Counting(encoder, 64), data, file, batch_size=16)
    torn = sorted(parts_folder(file).glob("part-*"))[1] / "part.safetensors"
    torn.write_bytes(torn.read_bytes()[:-7])
    assert torch.equal(
        embed(encoder, data, file, batch_size=16).features, image_features(encoder, data, 16)
    )


def test_the_cache_computes_once_and_heals_itself(encoder, data, tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPBENCH_CACHE", str(tmp_path))
    counting = Counting(encoder)
    first = cached_image_features(counting, data)
    assert torch.equal(cached_image_features(counting, data), first) and counting.seen == 90
    (file,) = (tmp_path / "features").glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.warns(UserWarning, match="without the cache"):
        assert torch.equal(cached_image_features(counting, data), first)


def test_a_fingerprint_changes_with_whatever_features_depend_on(data, tmp_path):
    folder = write_image_folder(tmp_path / "pictures", {"cat": 3, "dog": 3})
    pictures = open_pictures(str(folder))
    before = data_fingerprint(pictures)
    assert data_fingerprint(open_pictures(str(folder))) == before
    first = next(iter(sorted(folder.rglob("*.png"))))
    noise_picture(24, 24, seed=9).save(first)
    assert data_fingerprint(open_pictures(str(folder))) != before
    fingerprints = {
        data_fingerprint(data),
        data_fingerprint(data.subset(range(89))),
        data_fingerprint(replace(data, labels=data.labels.flip(0))),
        data_fingerprint(replace(data, class_names=[*data.class_names[:-1], "other"])),
        data_fingerprint(replace(data, pictures=lambda rows: [noise_picture(8, 8)] * len(rows))),
    }
    assert len(fingerprints) == 5


def test_features_of_another_encoder_kind_or_file_are_refused(encoder, data, tmp_path):
    file = tmp_path / "f.safetensors"
    embed(encoder, data, file)
    assert open_features(encoder, str(file)).ids == list(data.ids)
    with pytest.raises(UserError, match="before it"):
        open_features(encoder, str(file), projected=False)
    other = small_encoder()
    other.fingerprint = "another"
    with pytest.raises(UserError, match="embed the pictures again"):
        open_features(other, str(file))
    with pytest.raises(UserError, match="another fingerprint"):
        embed(other, data, file)


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda file: file.unlink(), "no such feature file"),
        (lambda file: sidecar(file).unlink(), "f.safetensors.json is missing"),
        (lambda file: sidecar(file).write_text("{"), "does not describe"),
        (lambda file: sidecar(file).write_text("[]"), "does not describe"),
        (lambda file: file.write_bytes(file.read_bytes()[:60]), "damaged"),
        (lambda file: file.write_bytes(b"\x80\x04pickle"), "damaged"),
        (
            lambda file: sidecar(file).write_text(
                sidecar(file).read_text().replace('"digits/all/0",\n', "")
            ),
            "rows",
        ),
    ],
)
def test_damaged_files_are_refused_in_one_line(encoder, data, tmp_path, damage, message):
    file = tmp_path / "f.safetensors"
    embed(encoder, data, file)
    damage(file)
    with pytest.raises(UserError, match=message):
        read_features(file)


def test_features_that_are_not_finite_are_never_written(data, tmp_path):
    damaged = small_encoder()
    with torch.no_grad():
        next(iter(damaged.model.image_encoder.parameters())).fill_(float("nan"))
    with pytest.raises(UserError, match="not finite"):
        embed(damaged, data, tmp_path / "f.safetensors")
    assert (
        not (tmp_path / "f.safetensors").exists()
        and not sidecar(tmp_path / "f.safetensors").exists()
    )


def test_embed_and_search_from_the_shell(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CLIPBENCH_CACHE", str(tmp_path / "cache"))
    model = write_small_model(tmp_path / "model")
    folder = write_image_folder(tmp_path / "pictures", {"cat": 3, "dog": 3})
    out = tmp_path / "f.safetensors"
    assert (
        main(["embed", "--model", str(model), "--data", str(folder), "--out", str(out), "--json"])
        == 0
    )
    assert json.loads(capsys.readouterr().out)["rows"] == len(open_pictures(str(folder)))
    target = open_pictures(str(folder)).ids[3]
    for data in (out, folder):
        query = [
            "search",
            "--model",
            str(model),
            "--data",
            str(data),
            "--image",
            str(target),
            "--top",
            "2",
            "--json",
        ]
        assert main(query) == 0
        best = json.loads(capsys.readouterr().out)["results"]
        assert (
            len(best) == 2
            and best[0]["cosine"] == pytest.approx(1.0, abs=1e-5)
            and best[0]["row"] == 3
        )
    assert main(["search", "--model", str(model), "--data", str(out), "--text", "a cat"]) == 0
    assert "cosine" in capsys.readouterr().out
    for wrong in (
        ["embed", "--model", str(model), "--data", str(folder), "--out", str(tmp_path / "f.pt")],
        ["search", "--model", "tiny", "--data", str(out), "--text", "a cat"],
        [
            "search",
            "--model",
            str(model),
            "--data",
            str(tmp_path / "none.safetensors"),
            "--text",
            "a cat",
        ],
        ["search", "--model", str(model), "--data", str(out), "--image", str(out)],
    ):
        assert main(wrong) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


class Mortal:
    """An encoder that ends its process after 70 pictures."""

    def __init__(self, encoder):
        self.encoder, self.seen = encoder, 0

    def __getattr__(self, name):
        return getattr(self.encoder, name)

    def encode_image(self, images):
        self.seen += len(images)
        if self.seen > 70:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.encoder.encode_image(images)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs in a fork")
def test_a_killed_process_loses_at_most_a_part(encoder, data, tmp_path, monkeypatch):
    monkeypatch.setattr(feature_file, "ROWS_A_PART", 32)
    file = tmp_path / "f.safetensors"
    mortal = Mortal(encoder)
    code, _, errors = in_a_fork(
        tmp_path / "prints", lambda: embed(mortal, data, file, batch_size=16)
    )
    assert code == -signal.SIGKILL, errors
    counting = Counting(encoder)
    assert torch.equal(
        embed(counting, data, file, batch_size=16).features, image_features(encoder, data, 16)
    )
    assert counting.seen <= 90 - 32

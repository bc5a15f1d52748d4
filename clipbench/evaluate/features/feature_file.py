"""Features on the disk: a safetensors file and a JSON of the same name that describes them.

``features`` is (M, D) or (M, W), ``labels`` (M,) where they are known. The JSON has ``rows``,
``ids``, ``class_names``, ``templates``, ``fingerprint`` (of the encoder), ``data``,
``data_fingerprint``, ``projected`` and ``created_by``, the command; ``shares``, how familiar each
picture is to a shipped model (see ``clipbench.encoders.familiarity``); and ``unreadable`` (id ->
reason), pictures that could not be read and have no row. Nothing else in this package writes or
reads features.
"""

import contextlib
import hashlib
import json
import os
import shlex
import shutil
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from clipbench.compute.devices import use_fastest_threads
from clipbench.data.image_set import PictureSet
from clipbench.data.open import open_pictures
from clipbench.encoders.clip import ImageEncoder
from clipbench.encoders.familiarity import Familiarity, Reference
from clipbench.errors import UserError
from clipbench.evaluate.features.compute import (
    Noted,
    encoded_batches,
    pictures_or_grey,
    rows_not_finite,
)
from clipbench.files import as_utf8, atomic_folder

ROWS_A_PART = 1024  # what a killed run loses at most
SAMPLED = 16  # pictures whose pixels go into a data set's fingerprint


@dataclass(frozen=True)
class Stored:
    """Features with everything that evaluators need to know about them."""

    features: Tensor  # (M, D) or (M, W)
    labels: Tensor | None  # (M,) int64
    about: dict

    def __len__(self) -> int:
        return len(self.features)

    @property
    def ids(self) -> list[str]:
        return self.about["ids"]

    @property
    def unreadable(self) -> dict[str, str]:
        """Pictures without a row here, each with the reason why it could not be read."""
        return self.about.get("unreadable", {})

    @property
    def familiarity(self) -> Familiarity:
        """How far the pictures lie within what the model was trained on, where that is known."""
        return Familiarity(tuple(self.about.get("shares", ())), names=tuple(self.ids))


class NothingReadable(UserError):
    """None of a data set's pictures can be read."""


# -------------------- write and read


def write_features(file: str | Path, features: Tensor, labels: Tensor | None, about: dict) -> None:
    """Write a feature file and its JSON.

    The JSON is first: a safetensors file that is there is whole and described.

    Raises:
        UserError: when the place cannot be written to, or features are not finite numbers.
    """
    file = Path(file)
    if not torch.isfinite(features).all():
        raise UserError(
            f"{file} was not written: some features are not finite numbers; the model is damaged"
        )
    tensors = {
        "features": features.contiguous(),
        **({} if labels is None else {"labels": labels.contiguous()}),
    }
    about = {"rows": len(features), "width": features.shape[1], **about}
    text = as_utf8(json.dumps(about, ensure_ascii=False, indent=1)) + "\n"
    part = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, part)
        beside = sidecar(part)
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, sidecar(file))
        os.replace(part, file)
    except (OSError, SafetensorError) as error:
        for leftover in (part, sidecar(part)):
            with contextlib.suppress(OSError):
                leftover.unlink()
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot write {file}: {reason}") from None


def sidecar(file: Path) -> Path:
    return file.with_name(file.name + ".json")


def read_features(file: str | Path) -> Stored:
    """Read a feature file; the features stay on the disk until they are used (a memory map).

    Raises:
        UserError: when one of the two files is missing, damaged, or does not fit the other.
    """
    file = Path(file)
    about = read_about(file)
    try:
        with safe_open(file, "pt") as data:
            names = set(data.keys())
            features = data.get_tensor("features")
            labels = data.get_tensor("labels") if "labels" in names else None
    except FileNotFoundError:
        raise UserError(f"{file}: no such feature file; make it with clipbench embed") from None
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{file} is damaged or no feature file ({error}); make it again with clipbench embed"
        ) from None
    counts = {len(about["ids"]), len(features), len(features if labels is None else labels)}
    if features.ndim != 2 or len(counts) != 1:
        raise UserError(
            f"{file} does not belong to {sidecar(file).name}: another number of rows; embed again"
        )
    return Stored(features, labels, about)


def read_about(file: Path) -> dict:
    try:
        about = json.loads(sidecar(file).read_text(encoding="utf-8"))
        if not {"ids", "fingerprint", "projected", "data"} <= about.keys():
            raise ValueError("entries are missing")
    except FileNotFoundError:
        missing = sidecar(file).name if file.exists() else file.name
        raise UserError(
            f"{file} cannot be used: {missing} is missing; make both with clipbench embed"
        ) from None
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(
            f"{sidecar(file)} does not describe features ({error}); embed again"
        ) from None
    return about


# -------------------- fingerprints


def data_fingerprint(data: PictureSet) -> str:
    """Hash a data set, so that the hash changes when rows, labels, names, files or pictures do.

    Pictures in files count by size and time of change; of others, a few spread over the set by
    their pixels.
    """
    digest = hashlib.sha256(
        repr((list(data.ids), data.labels.tolist(), list(data.class_names))).encode()
    )
    for name in data.ids:
        with contextlib.suppress(OSError, ValueError):
            facts = os.stat(name)
            digest.update(repr((facts.st_size, facts.st_mtime_ns)).encode())
    rows = sorted({number * len(data) // SAMPLED for number in range(SAMPLED)}) if len(data) else []
    for picture in pictures_or_grey(data, rows, {}):
        digest.update(repr(picture.size).encode() + picture.convert("RGB").tobytes())
    return digest.hexdigest()[:16]


def description(encoder: ImageEncoder, data: PictureSet, projected: bool) -> dict:
    """Describe what features depend on, as the JSON has it."""
    return {
        "data": data.name,
        "data_fingerprint": data_fingerprint(data),
        "model": encoder.name,
        "fingerprint": encoder.fingerprint,
        "projected": projected,
        "precision": getattr(encoder, "precision", "fp32"),
        "ids": [str(name) for name in data.ids],
        "class_names": list(data.class_names),
        "templates": list(data.templates),
        "created_by": shlex.join(["clipbench", *sys.argv[1:]]),
    }


# what must agree for stored features to be used again
SAME = ("data_fingerprint", "fingerprint", "projected")


# -------------------- compute


def embed(
    encoder: ImageEncoder,
    data: PictureSet,
    file: str | Path,
    projected: bool = True,
    batch_size: int = 128,
    progress: bool = True,
) -> Stored:
    """Compute the features of all pictures into a file.

    A file that already holds them is read. A run that was stopped goes on after the last part that
    it finished, and gives the same bits as one that was not (with as many threads). Pictures that
    cannot be read are left out and named in the JSON.

    Raises:
        UserError: when the file holds other features, or cannot be written, or no picture can be
            read.
    """
    file, about = Path(file), description(encoder, data, projected)
    if file.exists():
        stored = read_features(file)
        if different := [name for name in SAME if stored.about.get(name) != about[name]]:
            raise UserError(
                f"{file} holds other features (another {different[0]}); delete it or "
                "choose another file"
            )
        return stored
    noted = Noted()
    parts = Parts(file, {name: about[name] for name in SAME}, batch_size)
    stored = readable(
        Stored(compute(encoder, data, parts, progress, noted), data.labels, about), noted
    )
    write_features(file, stored.features, stored.labels, stored.about)
    shutil.rmtree(parts_folder(file), ignore_errors=True)
    return read_features(file)


def readable(stored: Stored, noted: Noted) -> Stored:
    """Leave out the rows of pictures that could not be read, and keep what else was noted.

    Raises:
        NothingReadable: when that is none.
    """
    unreadable = noted.unreadable
    rows = [row for row in range(len(stored)) if row not in unreadable]
    if noted.shares:
        shares = [round(noted.shares[row], 4) for row in rows]
        stored = replace(stored, about=stored.about | {"shares": shares})
    if not unreadable:
        return stored
    if not rows:
        first = next(iter(unreadable.values()))
        raise NothingReadable(
            f"none of the {len(stored)} pictures of {stored.about['data']} can be read: {first}"
        )
    reasons = {stored.ids[row]: " ".join(unreadable[row].split()) for row in sorted(unreadable)}
    about = stored.about | {"ids": [stored.ids[row] for row in rows], "unreadable": reasons}
    labels = None if stored.labels is None else stored.labels[rows]
    return Stored(stored.features[rows], labels, about)


def compute(
    encoder: ImageEncoder,
    data: PictureSet,
    parts: "Parts",
    progress: bool,
    noted: Noted,
) -> Tensor:
    """Compute features, (M, D) or (M, W); every finished part is on the disk.

    Unreadable pictures have a grey one's row.
    """
    calibrate_threads(encoder, data)
    done = parts.load(noted)
    begun: list[Tensor] = []
    first = len(done)
    rows = range(first, len(data))
    for batch in encoded_batches(
        encoder, data, parts.batch_size, parts.of["projected"], progress, rows, noted
    ):
        begun.append(batch)
        count = sum(map(len, begun))
        if count >= parts.rows or first + count == len(data):
            parts.save(torch.cat(begun), first, noted)
            done, begun, first = (
                torch.cat([done, *begun]) if len(done) else torch.cat(begun),
                [],
                first + count,
            )
    return done


def calibrate_threads(encoder: ImageEncoder, data: PictureSet) -> None:
    """Use as many threads as are fastest just now, with the machine's other load.

    Not for a GPU.
    """
    if getattr(encoder, "device", torch.device("cpu")).type != "cpu":
        return
    sample = encoder.preprocess(pictures_or_grey(data, range(min(16, len(data))), {}))
    use_fastest_threads(lambda: encoder.image_tower(sample))


class Parts:
    """The finished beginning of a feature file, in a hidden folder beside it."""

    def __init__(self, file: Path, of: dict, batch_size: int):
        self.folder, self.of, self.batch_size = parts_folder(file), of, batch_size
        # whole batches: the same batches after a stop
        self.rows = -(-ROWS_A_PART // batch_size) * batch_size

    def load(self, noted: Noted) -> Tensor:
        """Read what an earlier run of the same kind left behind: (rows, width)."""
        done = torch.empty(0, 0)
        for file in sorted(self.folder.glob("part-*")) if self.folder.exists() else ():
            try:
                kind = json.loads((file / "of.json").read_text(encoding="utf-8"))
                missing = json.loads((file / "unreadable.json").read_text(encoding="utf-8"))
                tensors = load_file(file / "part.safetensors")
                part, shares = tensors["features"], tensors["shares"].tolist()
            except (OSError, ValueError, KeyError, SafetensorError):
                break
            if kind != self.kind(len(done)):
                break
            done = torch.cat([done, part]) if len(done) else part
            noted.unreadable |= {int(row): reason for row, reason in missing.items()}
            noted.shares += shares
        return done

    def save(self, features: Tensor, first: int, noted: Noted) -> None:
        """Write the features of the rows from ``first`` on, and what was noted of them."""
        unreadable = {row: why for row, why in noted.unreadable.items() if row >= first}
        shares = torch.tensor(noted.shares[first:])
        with atomic_folder(self.folder / f"part-{first:09d}") as folder:
            tensors = {"features": features.contiguous(), "shares": shares}
            save_file(tensors, folder / "part.safetensors")
            (folder / "of.json").write_text(json.dumps(self.kind(first)), encoding="utf-8")
            (folder / "unreadable.json").write_text(json.dumps(unreadable), encoding="utf-8")

    def kind(self, first: int) -> dict:
        return {**self.of, "first": first, "batch_size": self.batch_size}


def parts_folder(file: Path) -> Path:
    return file.with_name(f".{file.name}.parts")


# -------------------- cache


def cache_folder() -> Path:
    """Give the folder where features are kept between runs.

    It is the folder in CLIPBENCH_CACHE, or one in the user's own cache.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("CLIPBENCH_CACHE") or Path(home) / "clipbench") / "features"


def cached_image_features(
    encoder: ImageEncoder,
    data: PictureSet,
    projected: bool = True,
    batch_size: int = 128,
    progress: bool = True,
) -> Tensor:
    """Give ``image_features``, computed once for each encoder and data set, and kept on the disk.

    Raises:
        UserError: for a picture that cannot be read; ``cached_features`` leaves it out.
    """
    return all_readable(cached_features(encoder, data, projected, batch_size, progress)).features


def all_readable(stored: Stored) -> Stored:
    """Give stored features back.

    Raises:
        UserError: when a picture could not be read.
    """
    if stored.unreadable:
        raise UserError(f"{unreadable_line(stored)}; take it out of the data")
    return stored


def cached_features(
    encoder: ImageEncoder,
    data: PictureSet,
    projected: bool = True,
    batch_size: int = 128,
    progress: bool = True,
) -> Stored:
    """Give features of all pictures that can be read, from the cache where they are there.

    They are computed once for each encoder and data set, and kept on the disk. A damaged or
    unwritable cache costs a warning and time, never a wrong number.

    Raises:
        UserError: when no picture can be read.
    """
    kind = "projected" if projected else "tower"
    if getattr(encoder, "reference", Reference()).scenes is not None:
        kind += "-judged"  # what older versions left behind is not
    file = cache_folder() / f"{encoder.fingerprint}-{data_fingerprint(data)}-{kind}.safetensors"
    try:
        stored = embed(encoder, data, file, projected, batch_size, progress)
        return Stored(
            stored.features.clone(),
            stored.labels,
            stored.about | {"templates": list(data.templates)},
        )
    except NothingReadable:
        raise
    except UserError as error:
        warnings.warn(f"features are computed without the cache: {error}", stacklevel=2)
    noted = Noted()
    batches = encoded_batches(encoder, data, batch_size, projected, progress, noted=noted)
    return readable(
        Stored(torch.cat(list(batches)), data.labels, description(encoder, data, projected)), noted
    )


def unreadable_line(stored: Stored, most: int = 3) -> str:
    """Say how many pictures could not be read, and which, in one line."""
    reasons, total = list(stored.unreadable.values()), len(stored) + len(stored.unreadable)
    more = f"; and {len(reasons) - most} more" if len(reasons) > most else ""
    return f"{len(reasons)} of {total} pictures cannot be read: {'; '.join(reasons[:most])}{more}"


def open_features(
    encoder: ImageEncoder, data: str, projected: bool = True, progress: bool = True
) -> Stored:
    """Read or compute the features of ``data``.

    ``data`` is a feature file of this encoder, or any picture set, which goes through the cache.

    Raises:
        UserError: for data that cannot be used, and for a feature file of another encoder or kind.
    """
    if not str(data).endswith(".safetensors"):
        pictures = open_pictures(data)
        return cached_features(encoder, pictures, projected, progress=progress)
    stored = read_features(data)
    if stored.about["fingerprint"] != encoder.fingerprint:
        made_by = stored.about.get("model", "another model")
        raise UserError(
            f"{data} holds features of {made_by!r}, not of {encoder.name!r}; embed the "
            "pictures again"
        )
    if stored.about["projected"] != projected:
        there, wanted = ("after", "before") if stored.about["projected"] else ("before", "after")
        raise UserError(
            f"{data} holds features {there} the projection; this needs those {wanted} it"
        )
    return stored


def labelled(stored: Stored, data: str) -> tuple[Tensor, Tensor, Sequence[str]]:
    """Give (features, labels, class_names).

    Raises:
        UserError: for features of pictures without classes, for a label without a name, and for
            features that are no finite numbers.
    """
    if stored.labels is None or not stored.about.get("class_names"):
        raise UserError(f"{data} has no labels; this evaluation needs pictures with classes")
    names = stored.about["class_names"]
    if len(stored) and not 0 <= int(stored.labels.min()) <= int(stored.labels.max()) < len(names):
        raise UserError(
            f"{data} has labels beyond its {len(names)} class names; embed the pictures again"
        )
    if bad := rows_not_finite(stored.features):
        raise UserError(
            f"{data}: {bad} of {len(stored)} rows of features are not finite numbers; embed again"
        )
    return stored.features, stored.labels, stored.about["class_names"]

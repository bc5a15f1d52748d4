"""Tar shards as the `webdataset` library writes them.

Files of one name before the first dot make one sample. Names with dots of their own (``dog.v2.jpg``
with ``dog.v2.txt``) are recognised too.

The headers are read once and every member's place is noted, so that any sample can be read at any
time and a stopped training run goes on at once; nothing is unpacked to the disk, no command is run
and no member is unpickled. About 300 bytes of memory a sample. Shards must lie on a disk,
uncompressed.
"""

import re
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clipbench.data.image_set import PHOTO_TEMPLATES
from clipbench.data.readers.caption_text import captions_in_text
from clipbench.data.readers.captioned import CaptionedSet, from_labels
from clipbench.data.readers.captions_beside import captions_in_json
from clipbench.data.readers.text_files import decoded
from clipbench.errors import UserError
from clipbench.preprocess import PICTURE_SUFFIXES, open_picture

PICTURES = tuple(suffix[1:] for suffix in PICTURE_SUFFIXES)
CAPTIONS = ("txt", "caption", "text")
DESCRIBED = {*CAPTIONS, "json", "cls"}
PICKLED = ("pyd", "pickle", "pkl", "pth", "pt", "dill", "joblib")
CLASS_NAMES = ("classnames.txt", "classes.txt")  # beside the shards, one line per class
MAX_BYTES = 200_000_000  # of one member; a larger one is no picture


@dataclass
class Sample:
    shard: Path
    key: str
    members: dict[str, tuple[int, int]] = field(default_factory=dict)  # ending -> (offset, bytes)

    def __str__(self) -> str:
        return f"{self.shard}/{self.key}"


def shard_files(where: str) -> list[Path]:
    """List the shards meant by one .tar file, a folder of them, or a name; or none.

    Such a name is "train-{000000..000009}.tar".
    """
    path, span = Path(where), re.search(r"\{(\d+)\.\.(\d+)\}", where)
    if path.is_dir():
        return sorted(path.glob("*.tar"))
    if span and where.endswith(".tar"):
        numbers = range(int(span[1]), int(span[2]) + 1)
        return [Path(where.replace(span[0], str(number).zfill(len(span[1])))) for number in numbers]
    return [path] if re.search(r"\.(tar|tar\.gz|tgz)$", where) else []


def shard_set(
    name: str, shards: Sequence[Path], templates: Sequence[str] | None = None
) -> CaptionedSet:
    """Open the samples of all shards in order, with captions or labels.

    Captions come from .txt or .json members, labels from .cls members.

    Raises:
        UserError: for a shard that cannot be read or holds a pickle, and when there is nothing to
            train on.
    """
    samples = [sample for shard in shards for sample in index_shard(shard)]
    samples = [sample for sample in samples if set(sample.members) & set(PICTURES)]
    if not samples:
        raise UserError(
            f"{name}: no pictures in the shards; members must end in {', '.join(PICTURES[:4])}"
        )
    ids = [str(sample) for sample in samples]
    has = samples[0].members

    def picture(row: int):
        return open_picture(read_member(samples[row], PICTURES), ids[row])

    if "cls" in has and not set(has) & {*CAPTIONS, "json"}:
        names = class_names_beside(shards[0].parent)
        return from_labels(
            name,
            ids,
            picture,
            lambda row: label_of(samples[row]),
            names,
            templates or PHOTO_TEMPLATES,
        )
    kind = next((ending for ending in (*CAPTIONS, "json") if ending in has), CAPTIONS[0])
    origin = f".{kind} members of {name}"
    return CaptionedSet(name, ids, picture, lambda row: captions_of(samples[row]), origin=origin)


def index_shard(shard: Path) -> list[Sample]:
    """List the samples of one shard, with the place of each member.

    Raises:
        UserError: for a shard that is missing, torn or compressed, or that holds a pickle.
    """
    samples: dict[str, Sample] = {}
    try:
        size = shard.stat().st_size
        with tarfile.open(shard, "r:") as tar:
            while (member := tar.next()) is not None:
                # tarfile, whose stubs do not know the name, remembers every member otherwise
                tar.members = []  # type: ignore[attr-defined]
                if member.isfile() and not member.issparse() and not of_the_system(member.name):
                    note_member(samples, shard, member, size)
    except FileNotFoundError:
        raise UserError(f"{shard}: no such file") from None
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise UserError(f"{shard} is not a readable, uncompressed tar file: {error}") from None
    return [one for sample in samples.values() for one in by_last_dot(sample)]


def by_last_dot(sample: Sample) -> list[Sample]:
    """Give the sample, and those that names with dots of their own make.

    The latter are those with a picture of the same name as a caption or a label, and every picture
    of a sample that has none under its plain name, which is then left out itself.
    """
    groups: dict[str, Sample] = {}
    for ending, place in sample.members.items():
        stem, _, last = ending.rpartition(".")
        key = f"{sample.key}.{stem}" if stem else sample.key
        groups.setdefault(key, Sample(sample.shard, key)).members[last] = place
    plain = set(sample.members) & set(PICTURES)
    own = [
        group
        for key, group in groups.items()
        if key != sample.key
        and set(group.members) & set(PICTURES)
        and (not plain or set(group.members) & DESCRIBED)
    ]
    return [sample, *own] if plain or not own else own


def of_the_system(member: str) -> bool:
    """Say whether it is macOS's companion of another member."""
    return any(part.startswith("._") or part == "__MACOSX" for part in member.split("/"))


def note_member(
    samples: dict[str, Sample], shard: Path, member: tarfile.TarInfo, size: int
) -> None:
    folder, slash, base = member.name.rpartition("/")
    base, _, ending = base.partition(".")
    ending = ending.lower()
    if ending.rpartition(".")[2] in PICKLED:
        raise UserError(
            f"{shard} holds {member.name}, a pickle, which could run code when opened; "
            "write shards without"
        )
    if member.offset_data + member.size > size:
        raise UserError(f"{shard} is not a readable tar file: it ends within {member.name}")
    key = f"{folder}{slash}{base}"
    samples.setdefault(key, Sample(shard, key)).members[ending] = (member.offset_data, member.size)


def read_member(sample: Sample, endings: Sequence[str]) -> bytes:
    """Read the bytes of the sample's first member with one of these endings.

    Raises:
        UserError: when there is none, or it is too large or cannot be read.
    """
    ending = next((ending for ending in endings if ending in sample.members), None)
    if ending is None:
        raise UserError(f"{sample}: has no {' or '.join(endings[:3])}")
    offset, size = sample.members[ending]
    if size > MAX_BYTES:
        raise UserError(f"{sample}.{ending}: {size} bytes are too many for one member")
    try:
        with open(sample.shard, "rb") as file:
            file.seek(offset)
            return file.read(size)
    except OSError as error:
        raise UserError(f"{sample.shard} cannot be read: {error.strerror}") from None


def captions_of(sample: Sample) -> list[str]:
    where = str(sample)
    if not set(CAPTIONS) & set(sample.members) and "json" in sample.members:
        where = f"{where}.json"
        return captions_in_json(decoded(read_member(sample, ["json"]), where), where)
    return captions_in_text(decoded(read_member(sample, CAPTIONS), where), where)


def label_of(sample: Sample) -> int:
    try:
        return int(read_member(sample, ["cls"]))
    except UserError:
        raise
    except ValueError:
        raise UserError(f"{sample}.cls: a label must be a whole number") from None


def class_names_beside(folder: Path) -> list[str]:
    """Read the class names in a list beside the shards.

    Raises:
        UserError: when no list of class names lies in the folder.
    """
    for name in CLASS_NAMES:
        if (folder / name).exists():
            lines = (folder / name).read_text(encoding="utf-8").splitlines()
            return [line.strip().replace("_", " ") for line in lines if line.strip()]
    raise UserError(
        f"{folder}: the shards have labels; write {CLASS_NAMES[0]} beside them, one "
        "class name per line"
    )

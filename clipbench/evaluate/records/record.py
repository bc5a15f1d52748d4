"""The record that an evaluation leaves behind.

It is one JSON object with its numbers and everything that they depend on.
"""

import importlib.metadata
import json
import shlex
import sys
from pathlib import Path

from clipbench.errors import UserError
from clipbench.files import ASSETS, atomic_write

LIBRARIES = ("clipbench", "torch", "transformers", "tokenizers", "pillow", "numpy", "scikit-learn")


def make_record(metrics: dict, settings: dict, fingerprint: str, seconds: float) -> dict:
    """Make a record.

    Metrics are flat named numbers; settings are the switches that move them.
    """
    return {
        "metrics": metrics,
        "settings": settings,
        "fingerprint": fingerprint,
        "versions": versions(),
        "seconds": round(seconds, 2),
        "command": shlex.join(["clipbench", *sys.argv[1:]]),
    }


def read_record(file: Path) -> dict:
    """Read a record.

    Raises:
        UserError: when the file cannot be read or holds no record.
    """
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{file}: no such record; an evaluation (clipbench eval) can write one there"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"{file} is no record: {error}") from None
    if not (
        isinstance(record, dict)
        and all(isinstance(record.get(part), dict) for part in ("metrics", "settings"))
    ):
        raise UserError(
            f"{file} is no record: it has no metrics and settings; write records with "
            "clipbench eval"
        )
    return record


def shipped_records() -> Path:
    """Return the folder of records that comes with clipbench.

    It is there in a clone and in an installed package.
    """
    return ASSETS / "records"


MADE_BY = {  # the records of several trainings, which lessons read
    "objectives": "clipbench bench objectives --json > {folder}/{name}.json",
    "scaling-width": "clipbench bench scaling --widths 8 16 32 --pairs 61440 "
    "--pictures 5000 --seeds 0 1"
    " --json > {folder}/{name}.json",
    "scaling-batch": "clipbench bench scaling --widths 16 --batches 32 512 --pairs "
    "61440 --pictures 5000 --seeds 0 1"
    " --json > {folder}/{name}.json",
}
OF_ONE_MODEL = (
    "clipbench eval zero-shot --model MODEL --data scenes:heldout256 --out {folder}/{name}.json"
)


def shipped_record(name: str) -> dict:
    """Read the shipped record NAME.json, which lessons use instead of training.

    Raises:
        UserError: where there is none, with the command that makes it.
    """
    folder = shipped_records()
    try:
        return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    except OSError:
        how = f"make it with: {MADE_BY.get(name, OF_ONE_MODEL).format(folder=folder, name=name)}"
        raise UserError(
            f"no record {name}.json; set RETRAIN = True in the lesson, or {how}"
        ) from None


def versions() -> dict[str, str]:
    """List the installed versions of the libraries that numbers depend on."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def laid_out(record: dict) -> str:
    """Write JSON for eyes and for version control.

    Thousands of outcomes take one line per kind, everything else a line each.
    """
    outcomes = record.get("outcomes")
    if not outcomes:
        return json.dumps(record, indent=1, ensure_ascii=False)
    rows = [
        f"  {json.dumps(name)}: {json.dumps(values, ensure_ascii=False)}"
        for name, values in outcomes.items()
    ]
    rest = json.dumps(
        {name: part for name, part in record.items() if name != "outcomes"},
        indent=1,
        ensure_ascii=False,
    )
    return rest.removesuffix("\n}") + ',\n "outcomes": {\n' + ",\n".join(rows) + "\n }\n}"


def write_record(file: Path, record: dict) -> None:
    """Write a record, whole or not at all."""
    atomic_write(file, (laid_out(record) + "\n").encode("utf-8", "backslashreplace"))

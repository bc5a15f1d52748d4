"""Hub data sets by the `datasets` library (an optional extra): downloaded as a table, or streamed.

Pictures are decoded here and never by `datasets`, so the same limits hold as for every other
picture.
"""

import re

from clipbench.errors import UserError, first_line, missing_package
from clipbench.files import HUB_ID


def load(name: str, /, **options):
    """Call ``datasets.load_dataset`` with errors of one line.

    `options` are its own, such as split and data_files.

    Raises:
        UserError: when the library is absent, or it cannot load the data set.
    """
    try:
        import datasets
    except ImportError:
        raise missing_package("a data set of the hub", "datasets", "hub") from None
    try:
        return datasets.load_dataset(name, **options)
    except Exception as error:  # `datasets`, `fsspec` and `huggingface_hub` raise many kinds
        raise UserError(f"cannot load the data set {name!r}: {first_line(error)}") from None


# owner/name, owner/name@configuration
HUB_DATA = re.compile(rf"({HUB_ID.pattern})(?:@([\w.-]+))?")
FILES = (
    ".parquet", ".safetensors", ".csv", ".tsv", ".tar", ".txt", ".json", ".jsonl",
    ".ndjson", ".token", ".zip",
)  # fmt: skip


def is_hub_data(name: str) -> bool:
    """Say whether a name can be a hub data-set id, perhaps with a configuration."""
    return HUB_DATA.fullmatch(name) is not None and not name.endswith(FILES)


def hub_parts(name: str) -> dict:
    """Give the Arrow tables of all parts of a hub data set, by the parts' names.

    ``name`` may also be a folder in the hub's layout.

    Raises:
        UserError: see ``load``.
    """
    found = HUB_DATA.fullmatch(name)
    repo, configuration = found.groups() if found else (name, None)
    try:
        return {part: rows.data.table for part, rows in load(repo, name=configuration).items()}
    except UserError as error:
        raise UserError(f"there is no folder {name!r}; as a hub data set: {error}") from None

"""UMAP maps that are shipped, so that an app need not compute them."""

import hashlib
import json
from collections.abc import Sequence
from importlib.resources import as_file, files

from safetensors import safe_open
from torch import Tensor

from clipbench import Encoder

FILE = "assets/maps/scenes-heldout.safetensors"


def key_of(encoder: Encoder, ids: Sequence[str], texts: Sequence[str]) -> str:
    """Compute a key that is the same for the same model, pictures and texts."""
    return hashlib.sha256(
        json.dumps([encoder.fingerprint, list(ids), list(texts)]).encode()
    ).hexdigest()[:16]


def shipped_umaps(key: str) -> dict[str, Tensor]:
    """Read the shipped maps, as points (N, 2) for each choice of what is shown.

    Empty if they are of something else.
    """
    with as_file(files("clipbench").joinpath(FILE)) as file:
        if not file.exists():
            return {}
        with safe_open(file, "pt") as maps:
            if (maps.metadata() or {}).get("key") != key:
                return {}
            return {name: maps.get_tensor(name).float() for name in maps.keys()}  # noqa: SIM118 - not a dict

"""UMAPs that come with the package, so that the first look at one need not wait for a compiler.

They are derived from the classroom checkpoint: after a new one, ``python -m clipbench_widgets.shipped_maps`` makes
them again. A map that does not fit the model at hand is not used.
"""

import hashlib
import json
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from clipbench import Encoder
from clipbench.checkpoint import written_whole

FILE = "assets/maps/scenes-heldout.safetensors"


def key_of(encoder: Encoder, ids: Sequence[str], texts: Sequence[str]) -> str:
    """The same for the same model, pictures and texts."""
    return hashlib.sha256(json.dumps([encoder.fingerprint, list(ids), list(texts)]).encode()).hexdigest()[:16]


def shipped_umaps(key: str) -> dict[str, Tensor]:
    """What is shown -> points (N, 2), for each of the map's choices; empty if they are of something else."""
    with as_file(files("clipbench").joinpath(FILE)) as file:
        if not file.exists():
            return {}
        with safe_open(file, "pt") as maps:
            if (maps.metadata() or {}).get("key") != key:
                return {}
            return {name: maps.get_tensor(name).float() for name in maps.keys()}


def main() -> None:
    """Make the file in the package's own folder."""
    from clipbench_widgets.embedding_map import EmbeddingMap
    from clipbench_widgets.map_projections import SHOWN

    app = EmbeddingMap()
    maps = {}
    for shown in SHOWN:
        app.shown, app.projection = shown, "UMAP"
        app.wait(3600)
        maps[shown] = app.points().half().contiguous()
        app.projection = "PCA"
    key = key_of(app.encoder, app.data.collection.ids, app.data.texts)
    with written_whole(Path(str(files("clipbench").joinpath(FILE))).parent) as folder:
        save_file(maps, folder / Path(FILE).name, metadata={"key": key})
    print(f"{FILE}: {', '.join(f'{name} {tuple(points.shape)}' for name, points in maps.items())}, key {key}")


if __name__ == "__main__":
    main()

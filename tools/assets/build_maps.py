"""UMAPs that come with the package, so that the first look at one need not wait for a compiler.

They are derived from the classroom checkpoint: after a new one, ``python -m
tools.assets.build_maps`` makes them again. A map that does not fit the model at hand is not used.
"""

from importlib.resources import files
from pathlib import Path

from safetensors.torch import save_file

from clipbench.files import atomic_folder
from clipbench_widgets.embedding_map.umap_cache import FILE, key_of


def main() -> None:
    """Make the file in the package's own folder."""
    from clipbench_widgets.embedding_map.app import EmbeddingMap
    from clipbench_widgets.embedding_map.projections import SHOWN

    app = EmbeddingMap()
    maps = {}
    for shown in SHOWN:
        app.shown, app.projection = shown, "UMAP"
        app.wait(3600)
        maps[shown] = app.points().half().contiguous()
        app.projection = "PCA"
    key = key_of(app.encoder, app.data.collection.ids, app.data.texts)
    with atomic_folder(Path(str(files("clipbench").joinpath(FILE))).parent) as folder:
        save_file(maps, folder / Path(FILE).name, metadata={"key": key})
    print(
        f"{FILE}: {', '.join(f'{name} {tuple(points.shape)}' for name, points in maps.items())}, key {key}"
    )


if __name__ == "__main__":
    main()

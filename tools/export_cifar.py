"""Write a labelled parquet file as an image folder, a parquet file and tar shards.

The source has the columns image{bytes, path} and label. All three outputs hold the same bytes in
the same order, so that training on any of them gives the same loss curve:

    python tools/export_cifar.py train.parquet OUT [--rows 2000]
    clipbench train --data OUT/folder ...    clipbench train --data OUT/train.parquet ...
    clipbench train --data OUT/shards ...    python tools/export_cifar.py --compare RUN RUN RUN
"""

import argparse
import io
import sys
import tarfile
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from clipbench.training.log import read_steps

SHARD = 5000  # pictures in a tar file


def export(source: Path, out: Path, rows: int | None = None) -> None:
    table = parquet.read_table(source).slice(0, rows)
    samples = zip(table.column("image").to_pylist(), table.column("label").to_pylist(), strict=True)
    # as a folder is read
    samples = sorted((image["path"], image["bytes"], label) for image, label in samples)
    write_folder(out / "folder", samples)
    write_parquet(out / "train.parquet", samples)
    write_shards(out / "shards", samples)


def write_folder(folder: Path, samples) -> None:
    for path, data, _ in samples:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def write_parquet(file: Path, samples) -> None:
    images = [{"bytes": data, "path": path} for path, data, _ in samples]
    parquet.write_table(
        pa.table({"image": images, "label": [label for *_, label in samples]}), file
    )


def write_shards(folder: Path, samples) -> None:
    folder.mkdir(parents=True)
    names = {label: Path(path).parent.name for path, _, label in samples}
    (folder / "classnames.txt").write_text("".join(f"{names[label]}\n" for label in sorted(names)))
    for start in range(0, len(samples), SHARD):
        with tarfile.open(folder / f"train-{start // SHARD:06}.tar", "w") as tar:
            for row, (_, data, label) in enumerate(samples[start : start + SHARD], start):
                for ending, content in (("jpg", data), ("cls", str(label).encode())):
                    info = tarfile.TarInfo(f"{row:08}.{ending}")
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))


def compare(runs: list[Path]) -> int:
    """Print how far apart the runs' losses are.

    Returns:
        0 if they are the same to the last digit of the log, else 1.
    """
    curves = [[row["loss"] for row in read_steps(run)] for run in runs]
    steps = min(map(len, curves))
    apart = max(
        max(losses) - min(losses)
        for losses in zip(*(curve[:steps] for curve in curves), strict=True)
    )
    print(
        f"{steps} steps, losses at most {apart} apart; last: "
        f"{[curve[steps - 1] for curve in curves]}"
    )
    return int(apart > 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compare", type=Path, nargs="+", help="folders of finished runs")
    parser.add_argument("source", type=Path, nargs="?")
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--rows", type=int)
    arguments = parser.parse_args()
    if arguments.compare:
        return compare(arguments.compare)
    export(arguments.source, arguments.out, arguments.rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())

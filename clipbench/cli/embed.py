"""``clipbench embed``: features of pictures, in a file."""

from dataclasses import dataclass
from pathlib import Path

from clipbench.cli.shared import (
    ModelOptions,
    add,
    load_on_device,
    note_on_pictures,
    positive,
)


@dataclass(frozen=True, kw_only=True)
class EmbedOptions(ModelOptions):
    data: str
    out: Path
    before_projection: bool
    precision: str
    batch_size: int


def add_to(commands) -> None:
    parser = add(
        commands,
        "embed",
        embed,
        show_embedded,
        "features of pictures, in a file; goes on after a stop",
        EmbedOptions,
    )
    parser.add_argument(
        "--model",
        default="classroom",
        help="tiny, classroom, twin:NAME, a folder, a run or a hub id",
    )
    parser.add_argument("--data", required=True, help="a picture set, a folder, a .parquet file")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="the .safetensors file; a .json is written beside it",
    )
    parser.add_argument(
        "--before-projection", action="store_true", help="the image encoder's own features"
    )
    parser.add_argument(
        "--precision",
        default="fp32",
        choices=["fp32", "bf16", "fp16", "auto"],
        help="of the weights; auto is what the device multiplies fast (default fp32)",
    )
    parser.add_argument("--batch-size", type=positive(int), default=128)
    parser.add_argument("--device", default="auto")


def embed(options: EmbedOptions) -> dict:
    import time

    from clipbench.data.open import open_pictures
    from clipbench.errors import UserError
    from clipbench.evaluate.features import feature_file

    if options.out.suffix != ".safetensors":
        raise UserError(f"--out must end in .safetensors, not {options.out.name!r}")
    encoder = load_on_device(options, options.precision)
    data = open_pictures(options.data)
    began = time.perf_counter()
    projected = not options.before_projection
    stored = feature_file.embed(
        encoder, data, options.out, projected, options.batch_size, progress=not options.json
    )
    seconds = time.perf_counter() - began
    return {
        "out": str(options.out),
        "rows": len(stored),
        "width": stored.features.shape[1],
        "projected": projected,
        "precision": encoder.precision,
        "fingerprint": encoder.fingerprint,
        "seconds": round(seconds, 2),
        **note_on_pictures(stored),
    }


def show_embedded(result: dict) -> str:
    what = "" if result["projected"] else " before the projection"
    return (
        f"{result['rows']:,} pictures, {result['width']:,} numbers each{what}, in {result['out']} "
        f"({result['precision']}, {result['seconds']:.1f} s)"
    )

"""``clipbench embed``: features of pictures, in a file."""

from pathlib import Path

from clipbench.cli.shared import add, load_on_device, note_unreadable, positive, show_numbers


def add_to(commands) -> None:
    parser = add(
        commands,
        "embed",
        embed,
        show_numbers,
        "features of pictures, in a file; goes on after a stop",
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


def embed(arguments) -> dict:
    import time

    from clipbench.data.open import open_pictures
    from clipbench.errors import UserError
    from clipbench.evaluate.features import feature_file

    if arguments.out.suffix != ".safetensors":
        raise UserError(f"--out must end in .safetensors, not {arguments.out.name!r}")
    encoder = load_on_device(arguments, arguments.precision)
    data = open_pictures(arguments.data)
    began = time.perf_counter()
    projected = not arguments.before_projection
    stored = feature_file.embed(
        encoder, data, arguments.out, projected, arguments.batch_size, progress=not arguments.json
    )
    seconds = time.perf_counter() - began
    return {
        "out": str(arguments.out),
        "rows": len(stored),
        "width": stored.features.shape[1],
        "projected": projected,
        "precision": encoder.precision,
        "fingerprint": encoder.fingerprint,
        "seconds": round(seconds, 2),
        **note_unreadable(stored),
    }

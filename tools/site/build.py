"""Write a page with a model in it: a folder that any web host serves, without an installation.

Run it with ``python -m tools.site.build --out site`` (make site).

The encoders are exported to ONNX and run by onnxruntime-web in the reader's browser. The page is
small and drawn by its own code (``page/``), because the apps' pages need a kernel; colours, texts
and pictures are the apps'. ``LICENCES.txt`` in the folder names what comes from whom.
"""

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clipbench import load
from clipbench.data.alter.sticker import FONT
from clipbench.encoders.clip import ClipbenchEncoder
from clipbench.errors import UserError
from clipbench.evaluate.typographic import CONTROL_WORDS
from clipbench.files import ASSETS, atomic_folder
from clipbench.pretrained.folders import find_folder
from clipbench_widgets.core.example_pictures import PROMPTS, example_pictures
from clipbench_widgets.core.theme import DARK, LIGHT
from clipbench_widgets.prompt_explorer.app import TEMPLATES
from tools.docs.build import launch_links, project_address
from tools.npm import package
from tools.site.onnx_export import export_encoders

PAGE = Path(__file__).parent / "page"
RUNTIME = "onnxruntime-web", "1.23.2"
RUNTIME_FILES = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
MEGABYTES = 30  # the whole folder
VOCABULARY = "vocab.json", "merges.txt"  # one for all models
LICENCES = "NOTO-OFL-1.1.txt", "DEJAVU.txt", "UNICODE.txt", "MIT.txt"


@dataclass(frozen=True)
class Offered:
    """A model of the page: what ``load`` takes, and what the page says of it."""

    name: str
    title: str
    about: str


MODELS = (
    Offered(
        "twin:reader",
        "reader: grew up with printed signs",
        "The model: clipbench's twin “reader”, trained on a million scenes of 256 emoji, "
        "most of them with a word on a sign. It has never seen a photograph.",
    ),
    Offered(
        "classroom",
        "classroom: knows 1,217 things",
        "The model: clipbench's “classroom”, 4.5 million parameters, trained on 2.4 million scenes "
        "of emoji with captions. It has never seen a photograph, and hardly reads.",
    ),
)
START = {
    "model": "twin:reader", "picture": "green apple", "word": "pizza", "height": 0.28,
    "place": [0.5, 0.5], "texts": "\n".join(PROMPTS), "template": TEMPLATES[0], "scale": 0,
}  # fmt: skip
DOGS = "one cat and two dogs\ntwo cats and one dog\na cat\na dog\nthree dogs"
TRIES = (
    ("Does it read?", {}),
    ("Would another model?", {"model": "classroom"}),
    (
        "Two cats, or two dogs?",
        {
            "model": "classroom", "picture": "one cat, two dogs", "word": "", "texts": DOGS,
            "template": "{}",
        },
    ),
    ("Which mouse?", {"model": "classroom", "picture": "computer mouse", "word": ""}),
    (
        "How was it drawn?",
        {
            "model": "classroom", "picture": "lion, sketched", "word": "", "template": "{}",
            "texts": "a photo of a lion\na sketch of a lion\na blurry lion\na lion",
        },
    ),
)  # fmt: skip


def build(out: Path, runtime: Path | None = None) -> int:
    """Write the folder, whole or not at all; return its bytes.

    Args:
        runtime: a folder of onnxruntime-web; by default npm's package.

    Raises:
        UserError: when the folder holds something else, or a package is missing.
    """
    if out.exists() and any(out.iterdir()) and not (out / "site.json").exists():
        raise UserError(f"{out} holds something else; name a new folder")
    with atomic_folder(out) as part:
        shutil.copytree(PAGE, part, dirs_exist_ok=True)
        copy_runtime(runtime or package(*RUNTIME), part / "onnxruntime")
        copy_assets(part)
        (part / "theme.css").write_text(theme(), encoding="utf-8")
        write_json(part / "site.json", settings(part))
        write_offline(part)
    return size_of(out)


def copy_runtime(runtime: Path, folder: Path) -> None:
    folder.mkdir()
    for name in RUNTIME_FILES:
        source = runtime / "dist" / name
        if not source.exists():
            raise UserError(f"{runtime} is no {'-'.join(RUNTIME)}: it has no dist/{name}")
        shutil.copy(source, folder)


def copy_assets(out: Path) -> None:
    for name in VOCABULARY:
        contents = {(find_folder(each.name) / name).read_bytes() for each in MODELS}
        if len(contents) > 1:
            raise UserError(f"the page's models must share one {name}")
        (out / name).write_bytes(contents.pop())
    shutil.copy(FONT, out / FONT.name)
    (out / "LICENCES.txt").write_text(licences(), encoding="utf-8")


def licences() -> str:
    """Write what the folder holds from whom, and the licences' texts."""
    head = (
        "Models, texts and code: clipbench, MIT licence.\n"
        "Pictures: Noto Color Emoji, Google LLC, SIL Open Font License 1.1.\n"
        "Names of things: Unicode CLDR, Unicode License.\n"
        "DejaVuSansCondensed-Bold.ttf: DejaVu Fonts, Bitstream Vera and Arev licences.\n"
        f"onnxruntime/: {' '.join(RUNTIME)}, Copyright (c) Microsoft Corporation, MIT licence.\n"
    )
    texts = [(ASSETS / "licenses" / name).read_text(encoding="utf-8") for name in LICENCES]
    return ("\n" + "-" * 80 + "\n\n").join([head, *texts])


def theme() -> str:
    """Write the apps' colours as the page's: by the system, or as chosen."""
    light, dark = (
        "".join(f"--cb-{name}: {colour}; " for name, colour in colours.items())
        for colours in (LIGHT, DARK)
    )
    dark += "color-scheme: dark;"
    return (
        f":root {{ {light}color-scheme: light; }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{ {dark} }} }}\n"
        f":root[data-theme=dark] {{ {dark} }}\n"
    )


def settings(out: Path) -> dict:
    """Write models and pictures, and return what the page reads first."""
    return {
        "models": [write_model(each, out) for each in MODELS],
        "pictures": write_pictures(out),
        "templates": [*TEMPLATES, "{}"],
        "tries": [{"title": title, "state": START | parts} for title, parts in TRIES],
        "controlWords": list(CONTROL_WORDS),
        "links": links(),
        "runtimeBytes": (out / "onnxruntime" / RUNTIME_FILES[1]).stat().st_size,
    }


def write_model(offered: Offered, out: Path) -> dict:
    encoder = load(offered.name, device="cpu", precision="fp32")
    if not isinstance(encoder, ClipbenchEncoder):
        raise UserError(f"{offered.name} is no CLIP")
    stem = offered.name.replace(":", "-")
    files = [out / f"{stem}-{part}.onnx" for part in ("image", "text")]
    export_encoders(encoder, *files)
    _, preprocess, _ = encoder.settings
    return {
        "name": offered.name, "title": offered.title, "about": offered.about,
        "imageFile": files[0].name, "textFile": files[1].name,
        "bytes": sum(file.stat().st_size for file in files),
        "scale": encoder.scale, "contextLength": encoder.context_length,
        "imageSize": preprocess.size, "mean": preprocess.mean, "std": preprocess.std,
    }  # fmt: skip


def write_pictures(out: Path) -> list[dict]:
    folder = out / "pictures"
    folder.mkdir()
    found = []
    for number, entry in enumerate(example_pictures()):
        file = folder / f"{number}.webp"
        entry.picture.save(file, lossless=True)
        found.append({"name": entry.name, "file": f"pictures/{file.name}"})
    return found


def links() -> list[dict]:
    """Return where the lessons are, if the project has an address."""
    address = project_address()
    if address is None:
        return []
    found = {"clipbench": address} | launch_links(address)
    return [{"title": title, "address": address} for title, address in found.items()]


def write_offline(out: Path) -> None:
    """List all files in the service worker, under a version that changes with any of them."""
    files = sorted(path for path in out.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    names = [file.relative_to(out).as_posix() for file in files if file.name != "offline.js"]
    listed = ", ".join(json.dumps(name) for name in ("./", *names))
    script = (out / "offline.js").read_text(encoding="utf-8")
    script = script.replace("/*version*/", f"clipbench-{digest.hexdigest()[:16]}")
    (out / "offline.js").write_text(script.replace("/*files*/", listed), encoding="utf-8")


def write_json(file: Path, data: dict) -> None:
    file.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("site"))
    parser.add_argument("--runtime", type=Path, help="a folder of onnxruntime-web, without npm")
    options = parser.parse_args(arguments)
    try:
        size = build(options.out, options.runtime)
    except UserError as error:
        print(f"site: {error}", file=sys.stderr)
        return 2
    print(f"{options.out}: {size / 1e6:.1f} MB. Any web host serves it; to try it here:")
    print(f"  python -m http.server --directory {options.out} 8000    # http://localhost:8000")
    return 0


if __name__ == "__main__":
    sys.exit(main())

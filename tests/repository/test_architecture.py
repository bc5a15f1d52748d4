"""Imports point in one direction: each room of the package uses only rooms that stand above it
here.
"""

import ast
import re

import pytest
from sources import ROOT, imports_of, module_of

# A room -> the rooms that it uses, without "clipbench." before their names. A room is a module or a
# package; a module belongs to the longest name that fits it.
USES = {
    "clipbench.errors": "",
    "clipbench.files": "errors",
    "clipbench.loss": "",
    "clipbench.model": "",
    "clipbench.compute": "errors files loss model",
    "clipbench.preprocess": "errors",
    "clipbench.data.image_set": "preprocess",
    "clipbench.data.world": "data.image_set errors files",
    "clipbench.data.world2": "data.image_set data.world",
    "clipbench.data.readers": "compute data.image_set data.world errors files preprocess",
    "clipbench.data.open": "data.image_set data.readers data.world data.world2 errors",
    "clipbench.data.streams": (
        "compute data.image_set data.readers data.world data.world2 errors preprocess"
    ),
    "clipbench.tokenizer": "",
    "clipbench.objectives": "compute data.streams errors loss model tokenizer",
    "clipbench.pretrained": "errors files model objectives preprocess tokenizer",
    "clipbench.encoders": "compute errors model objectives preprocess pretrained tokenizer",
    "clipbench.data.alter": "data.image_set errors files preprocess",
    "clipbench.progress": "",
    "clipbench.evaluate.features": (
        "compute data.image_set data.open data.readers encoders errors files progress"
    ),
    "clipbench.evaluate.statistics": "errors",
    "clipbench.evaluate.probes": (
        "compute data.world encoders errors evaluate.features evaluate.statistics model"
    ),
    "clipbench.evaluate": (
        "data.alter data.image_set data.readers data.world encoders errors evaluate.features evaluate.probes "
        "evaluate.statistics loss preprocess"
    ),
    "clipbench.evaluate.records": "errors evaluate.statistics files",
    "clipbench.training": (
        "compute data.streams data.world data.world2 errors files model objectives preprocess "
        "pretrained"
    ),
    "clipbench.bench": (
        "compute data.image_set data.open data.readers data.streams data.world encoders errors "
        "evaluate evaluate.features evaluate.probes evaluate.records evaluate.statistics loss "
        "model objectives preprocess pretrained training"
    ),
    "clipbench.data.probe_splits": "data.image_set data.open data.world data.world2 errors",
    "clipbench.inside": "data.image_set data.world encoders errors files model progress",
    "clipbench.figures": "pretrained",
    "clipbench.paper_figures": (
        "compute data.alter data.image_set data.open data.probe_splits data.readers data.world "
        "encoders errors evaluate evaluate.features evaluate.probes evaluate.records "
        "evaluate.statistics figures files model pretrained"
    ),
    "clipbench.cli": (
        "bench compute data.alter data.image_set data.open data.probe_splits data.readers "
        "data.streams data.world data.world2 encoders errors evaluate evaluate.features "
        "evaluate.probes evaluate.records evaluate.statistics files inside objectives "
        "paper_figures preprocess "
        "pretrained training"
    ),
    "clipbench.exercises": "loss",
    "clipbench_widgets.core": (
        "data.world encoders errors evaluate evaluate.features preprocess pretrained tokenizer"
    ),
    "clipbench_widgets.beat_the_machine": (
        "data.open data.world evaluate.statistics figures clipbench_widgets.core"
    ),
    "clipbench_widgets.embedding_map": "data.world errors evaluate figures clipbench_widgets.core",
    "clipbench_widgets.feature_microscope": (
        "data.world errors evaluate figures inside clipbench_widgets.core"
    ),
    "clipbench_widgets.image_search": "encoders errors evaluate figures clipbench_widgets.core",
    "clipbench_widgets.prompt_explorer": "data.world figures clipbench_widgets.core",
    "clipbench_widgets.similarity_matrix": "figures clipbench_widgets.core",
    "clipbench_widgets.training_monitor": "errors figures clipbench_widgets.core",
    "clipbench_widgets.typographic_studio": (
        "data.alter data.open data.probe_splits errors evaluate figures clipbench_widgets.core"
    ),
    "clipbench_widgets.start_page": (
        "training clipbench_widgets.beat_the_machine "
        "clipbench_widgets.core clipbench_widgets.embedding_map "
        "clipbench_widgets.feature_microscope clipbench_widgets.image_search "
        "clipbench_widgets.prompt_explorer clipbench_widgets.similarity_matrix "
        "clipbench_widgets.training_monitor clipbench_widgets.typographic_studio"
    ),
}
# public names, and the command's start
FACADE = ("clipbench", "clipbench_widgets", "clipbench.__main__")


def full(name: str) -> str:
    return name if name.startswith("clipbench") else f"clipbench.{name}"


def room_of(name: str) -> str | None:
    """The room in which an imported name or a module lies; None for the packages' own exports."""
    fitting = [room for room in USES if name == room or name.startswith(room + ".")]
    return max(fitting, key=len, default=None)


def rooms_used() -> dict[str, set[str]]:
    """Room -> the other rooms that its modules import."""
    used: dict[str, set[str]] = {room: set() for room in USES}
    for path in sorted([*ROOT.glob("clipbench/**/*.py"), *ROOT.glob("widgets/**/*.py")]):
        module = module_of(path).removesuffix(".__init__")
        if module in FACADE:
            continue
        room = room_of(module)
        imports = imports_of(path.read_text(encoding="utf-8"), module)
        if room is None and not imports:
            continue  # a package that holds nothing but a docstring
        assert room is not None, f"{module} lies in no room: list it in USES"
        used[room] |= {room_of(name) for name in imports} - {room, None}
    return used


def test_every_room_uses_what_its_line_says():
    expected = {room: {full(name) for name in line.split()} for room, line in USES.items()}
    assert rooms_used() == expected


def test_every_room_uses_only_rooms_above_it():
    seen: set[str] = set()
    for room, line in USES.items():
        assert {full(name) for name in line.split()} <= seen, f"{room} uses a room below it"
        seen.add(room)


def test_no_app_uses_another_but_the_page_that_opens_them():
    for room, line in USES.items():
        if room.startswith("clipbench_widgets.") and room != "clipbench_widgets.start_page":
            assert {n for n in line.split() if n.startswith("clipbench_widgets")} <= {
                "clipbench_widgets.core"
            }


def test_the_library_does_not_use_its_own_exports():
    """`from clipbench import X` inside the package would load everything, in a circle."""
    offending = []
    for path in ROOT.glob("clipbench/**/*.py"):
        module = module_of(path).removesuffix(".__init__")
        names = imports_of(path.read_text(encoding="utf-8"), module)
        bare = {
            n
            for n in names
            if n.startswith("clipbench.") and n.count(".") == 1 and room_of(n) is None
        }
        if module not in FACADE and ("clipbench" in names or bare - {"clipbench.cli"}):
            offending.append((module, bare))
    assert not offending


@pytest.mark.parametrize(
    "name, room",
    [
        ("clipbench.loss.clip_loss", "clipbench.loss"),
        ("clipbench.evaluate.zero_shot", "clipbench.evaluate"),
        ("clipbench.evaluate.probes.logistic.fit", "clipbench.evaluate.probes"),
        ("clipbench.CLIP", None),
        ("clipbench.losses", None),
    ],
)
def test_the_longest_name_that_fits_is_the_room(name, room):
    assert room_of(name) == room


def test_only_the_command_line_speaks_of_its_flags():
    """Who calls a function from a notebook has no flags; torchrun's own are another program's."""
    offending = []
    for path in sorted([*ROOT.glob("clipbench/**/*.py"), *ROOT.glob("widgets/**/*.py")]):
        module = module_of(path)
        if module.startswith("clipbench.cli"):
            continue
        for raised in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(raised, ast.Raise):
                words = " ".join(
                    str(part.value) for part in ast.walk(raised) if isinstance(part, ast.Constant)
                )
                flags = set(re.findall(r"(?<!\S)--[a-z][a-z-]*", words)) - {"--nproc-per-node"}
                offending += [(module, flag) for flag in sorted(flags)]
    assert not offending

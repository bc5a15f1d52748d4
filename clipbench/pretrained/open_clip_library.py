"""open_clip, imported where torchvision is absent too.

open_clip imports torchvision for its transforms, which this project does not install. Where it is
absent, empty modules stand in for it while open_clip is imported, and are taken away again: the
models and the loss need nothing from it. transformers and timm look absent meanwhile, which
open_clip allows: so transformers never sees the stand-ins.
"""

import contextlib
import importlib
import importlib.util
import sys
import types
from collections.abc import Iterator

from clipbench.errors import UserError

STAND_INS = (
    "torchvision",
    "torchvision.ops",
    "torchvision.ops.misc",
    "torchvision.transforms",
    "torchvision.transforms.functional",
)
HIDDEN = ("timm", "transformers")


class Absent:
    """A placeholder for whatever is imported from a stand-in.

    It is good for nothing but being named, and as an attribute of itself.
    """

    BICUBIC = BILINEAR = None


def absent(attribute: str) -> type[Absent]:
    if attribute.startswith("__"):  # such as __file__, by which other libraries tell modules apart
        raise AttributeError(attribute)
    return Absent


def stand_ins() -> dict[str, types.ModuleType]:
    modules = {name: types.ModuleType(name) for name in STAND_INS}
    for name, module in modules.items():
        vars(module).update(__path__=[], __getattr__=absent)  # a package that has everything
        parent, _, attribute = name.rpartition(".")
        if parent:
            setattr(modules[parent], attribute, module)
    return modules


@contextlib.contextmanager
def torchvision_or_stand_ins() -> Iterator[None]:
    """Put stand-ins in torchvision's place where it is absent.

    Afterwards everything is as it was.
    """
    if importlib.util.find_spec("torchvision"):
        yield
        return
    names = (*STAND_INS, *HIDDEN)
    before = {name: sys.modules[name] for name in names if name in sys.modules}
    sys.modules.update(stand_ins())
    sys.modules.update(dict.fromkeys(HIDDEN))  # type: ignore[arg-type]  # None: as if not installed
    try:
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(before)


def import_open_clip():
    """Import open_clip, with or without torchvision.

    Raises:
        UserError: when open_clip is not installed.
    """
    try:
        with torchvision_or_stand_ins():
            return importlib.import_module("open_clip")
    except ImportError:
        raise UserError(
            "open_clip is not installed; pip install open_clip_torch (or: make test)"
        ) from None

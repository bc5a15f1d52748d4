"""open_clip, imported without torchvision and timm: only its models and its tokenizer are needed here.

open_clip imports torchvision for its transforms. This project installs none (it brings a torch of its own choice), so
empty modules stand in its place while open_clip is imported, and are gone afterwards. transformers and timm look
absent meanwhile, which open_clip allows: so transformers never sees the stand-in.
"""

import contextlib
import functools
import importlib
import shutil
import sys
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path

from clipbench.tokenizer import Tokenizer

STAND_INS = ("torchvision", "torchvision.ops", "torchvision.ops.misc", "torchvision.transforms",
             "torchvision.transforms.functional")  # fmt: skip
ABSENT = ("timm", "transformers")


class Placeholder:
    """Whatever is imported from a stand-in; good for nothing but being named, and as an attribute of itself."""

    BICUBIC = BILINEAR = None


def placeholder(attribute: str) -> type[Placeholder]:
    if attribute.startswith("__"):  # such as __file__, by which other libraries tell modules apart
        raise AttributeError(attribute)
    return Placeholder


def stand_ins() -> dict[str, types.ModuleType]:
    modules = {name: types.ModuleType(name) for name in STAND_INS}
    for name, module in modules.items():
        module.__path__ = []  # a package
        module.__getattr__ = placeholder
        parent, _, attribute = name.rpartition(".")
        if parent:
            setattr(modules[parent], attribute, module)
    return modules


@contextlib.contextmanager
def without_torchvision() -> Iterator[None]:
    """Put the stand-ins where Python looks for modules, and afterwards everything back."""
    names = (*STAND_INS, *ABSENT)
    before = {name: sys.modules[name] for name in names if name in sys.modules}
    sys.modules.update(stand_ins() | dict.fromkeys(ABSENT))
    try:
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(before)


with without_torchvision():
    open_clip = importlib.import_module("open_clip")
    open_clip_model = importlib.import_module("open_clip.model")
    SimpleTokenizer = importlib.import_module("open_clip.tokenizer").SimpleTokenizer

OPENAI_BPE = Path(open_clip.__file__).with_name("bpe_simple_vocab_16e6.txt.gz")  # the real vocabulary, as published


@functools.cache
def real_tokenizer() -> Tokenizer:
    """Of every real CLIP, made from OpenAI's file."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(OPENAI_BPE, folder)
        return Tokenizer.from_folder(folder, 77)

"""open_clip's model, loss and training step, as its own training script puts them together, for comparison.

open_clip imports torchvision for its transforms, which this project does not install. Where it is absent, empty modules
stand in for it while open_clip is imported, and are taken away again: the models and the loss need nothing from it.
"""

import contextlib
import importlib
import importlib.util
import sys
import types
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from clipbench.errors import UserError
from clipbench.model import LOGIT_SCALE_MAX, CLIPConfig, TransformerConfig, ViTConfig

STAND_INS = ("torchvision", "torchvision.ops", "torchvision.ops.misc", "torchvision.transforms",
             "torchvision.transforms.functional")  # fmt: skip


class Absent:
    """Whatever is imported from a stand-in; good for nothing but being named."""

    BICUBIC = BILINEAR = None


def absent(attribute: str) -> type[Absent]:
    if attribute.startswith("__"):
        raise AttributeError(attribute)
    return Absent


@contextlib.contextmanager
def torchvision_or_stand_ins() -> Iterator[None]:
    if importlib.util.find_spec("torchvision"):
        yield
        return
    modules = {name: types.ModuleType(name) for name in STAND_INS}
    for name, module in modules.items():
        module.__path__, module.__getattr__ = [], absent
        parent, _, attribute = name.rpartition(".")
        if parent:
            setattr(modules[parent], attribute, module)
    modules |= {name: None for name in ("timm", "transformers") if name not in sys.modules}  # open_clip allows that
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            sys.modules.pop(name, None)


def import_open_clip():
    """
    Raises:
        UserError: when open_clip is not installed.
    """
    try:
        with torchvision_or_stand_ins():
            return importlib.import_module("open_clip")
    except ImportError:
        raise UserError("open_clip is not installed; pip install open_clip_torch (or: make test)") from None


def open_clip_model(config: CLIPConfig) -> torch.nn.Module:
    """open_clip's model of the same shape, with its own initial weights.

    Raises:
        UserError: for encoders that open_clip does not have.
    """
    image, text = config.image, config.text
    if not (isinstance(image, ViTConfig) and isinstance(text, TransformerConfig)):
        raise UserError("open_clip has no such encoders; compare with --preset classroom")
    vision_settings = {"layers": image.depth, "width": image.width, "head_width": image.width // image.heads,
                       "patch_size": image.patch_size, "image_size": image.image_size}  # fmt: skip
    text_settings = {"context_length": text.context_length, "vocab_size": text.vocab_size, "width": text.width,
                     "heads": text.heads, "layers": text.depth}  # fmt: skip
    quick = image.activation == "quick_gelu"
    open_clip = import_open_clip()
    return open_clip.CLIP(config.embed_dim, vision_settings, text_settings, quick_gelu=quick, output_dict=True)


def open_clip_step(
    config: CLIPConfig, images: Tensor, token_ids: Tensor, precision: str, fused: bool = True
) -> Callable[[], None]:
    """One training step on this batch, as in open_clip_train/train.py: its model, its loss, AdamW, the clamp.

    Args:
        images: normalised, float32.
        token_ids: padded to the context length, as its tokenizer gives them.
        precision: "fp32", "bf16" (its amp_bf16) or "fp16" (its amp, the default).
        fused: AdamW in one kernel; its script leaves that to PyTorch, which takes the slower one on a CPU.
    """
    open_clip, model = import_open_clip(), open_clip_model(config).to(images.device).train()
    loss = open_clip.ClipLoss(cache_labels=True)
    plain = [weight for weight in model.parameters() if weight.ndim < 2]
    matrices = [weight for weight in model.parameters() if weight.ndim >= 2]
    groups = [{"params": plain, "weight_decay": 0.0}, {"params": matrices, "weight_decay": 0.2}]
    optimizer = torch.optim.AdamW(groups, lr=5e-4, betas=(0.9, 0.98), eps=1e-6, fused=fused or None)
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    scaler = torch.amp.GradScaler(images.device.type, enabled=precision == "fp16")

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast(images.device.type, dtype=dtype, enabled=precision != "fp32"):
            total = loss(**model(images, token_ids))
        scaler.scale(total).backward()
        scaler.step(optimizer)
        scaler.update()
        with torch.no_grad():
            model.logit_scale.clamp_(0, LOGIT_SCALE_MAX)

    return step

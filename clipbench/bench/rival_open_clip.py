"""open_clip's model, loss and training step, for comparison.

They are put together as in its own training script.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from clipbench.compute.precision import DTYPES
from clipbench.errors import UserError
from clipbench.model import LOGIT_SCALE_MAX, CLIPConfig, ResNetConfig, TransformerConfig, ViTConfig
from clipbench.pretrained.open_clip_library import import_open_clip


def open_clip_model(config: CLIPConfig) -> torch.nn.Module:
    """Make open_clip's model of the same shape, with its own initial weights.

    Raises:
        UserError: for encoders that open_clip does not have.
    """
    image, text = config.image, config.text
    if not (isinstance(image, ViTConfig | ResNetConfig) and isinstance(text, TransformerConfig)):
        raise UserError("open_clip has no such encoders; compare with the classroom preset")
    if isinstance(image, ViTConfig):
        vision_settings: dict[str, Any] = {
            "layers": image.depth,
            "width": image.width,
            "head_width": image.width // image.heads,
            "patch_size": image.patch_size,
            "image_size": image.image_size,
        }
    else:
        vision_settings = {
            "layers": image.layers,
            "width": image.width,
            "image_size": image.image_size,
            "head_width": image.feature_width // image.heads,
        }
    text_settings = {
        "context_length": text.context_length,
        "vocab_size": text.vocab_size,
        "width": text.width,
        "heads": text.heads,
        "layers": text.depth,
    }
    quick = text.activation == "quick_gelu"
    open_clip = import_open_clip()
    return open_clip.CLIP(
        config.embed_dim, vision_settings, text_settings, quick_gelu=quick, output_dict=True
    )


class OpenClipTraining:
    """Training as in open_clip_train/main.py and train.py.

    It has their loss, AdamW with their settings, and their clamp of the scale.

    Args:
        model: open_clip's own, or any that gives image features, text features and a scale.
        precision: "fp32", "bf16" (its amp_bf16) or "fp16" (its amp, the default).
        fused: AdamW in one kernel; its script leaves that to PyTorch, which takes the slower one on
            a CPU.
    """

    def __init__(self, model: torch.nn.Module, precision: str, fused: bool = True):
        self.model = model.train()
        self.loss = import_open_clip().ClipLoss(cache_labels=True)
        plain = [weight for weight in model.parameters() if weight.ndim < 2]
        matrices = [weight for weight in model.parameters() if weight.ndim >= 2]
        groups = [{"params": plain, "weight_decay": 0.0}, {"params": matrices, "weight_decay": 0.2}]
        self.optimizer = torch.optim.AdamW(
            groups, lr=5e-4, betas=(0.9, 0.98), eps=1e-6, fused=fused or None
        )
        self.dtype = DTYPES[precision]
        self.scaler = torch.amp.GradScaler(
            next(model.parameters()).device.type, enabled=precision == "fp16"
        )

    def set_learning_rate(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def step(self, images: Tensor, token_ids: Tensor) -> None:
        """Train one step; images are normalised, token ids padded to the context length."""
        self.optimizer.zero_grad()
        with torch.autocast(
            images.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32
        ):
            answer = self.model(images, token_ids)
            total = self.loss(**answer) if isinstance(answer, dict) else self.loss(*answer)
        self.scaler.scale(total).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        with torch.no_grad():
            self.model.get_parameter("logit_scale").clamp_(0, LOGIT_SCALE_MAX)


def open_clip_step(
    config: CLIPConfig, images: Tensor, token_ids: Tensor, precision: str, fused: bool = True
) -> Callable[[], None]:
    """Make one training step of its own model on this batch; see ``OpenClipTraining``."""
    training = OpenClipTraining(open_clip_model(config).to(images.device), precision, fused)
    return lambda: training.step(images, token_ids)

"""CLIP (Radford et al. 2021) in plain PyTorch: image encoders, text encoders, one joint space.

* ``VisionTransformer``: class token, learned positions, an extra LayerNorm before the blocks.
* ``ModifiedResNet``: three-convolution stem, anti-aliased strides, attention pooling.
* ``ConvNet``: seven plain convolutions, for training in minutes; not from the paper.
* ``TextTransformer``: causal, its feature is the last layer's state at the end-of-text token.
* ``BagOfWords``: the CBOW encoder of the paper's figures 2 and 3, without any word order.

An encoder maps images or token ids to features of its own width W; ``CLIP`` projects both to D
dimensions. Initial weights follow the released code (github.com/openai/CLIP, model.py) and section
2.4 of the paper.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

LOGIT_SCALE_START = math.log(1 / 0.07)  # section 2.4: "equivalent of 0.07"
# of logit_scale and logit_bias (SigLIP, Zhai et al. 2023, section 3.1)
SIGMOID_START = (math.log(10), -10.0)
LOGIT_SCALE_MAX = math.log(100)  # section 2.4: logits are never scaled by more than 100


# -------------------- settings


def rarely(default):
    """Declare a setting that few models have.

    Where it is at its default, neither ``repr`` nor ``to_dict`` shows it.

    So models that were described before the setting existed keep their description, and their
    fingerprint.
    """
    return field(default=default, metadata={"rare": True})


def settings_of(config) -> dict:
    """Give a configuration's settings by name, without the rare ones that it does not have."""
    values = {each.name: (each, getattr(config, each.name)) for each in fields(config)}
    return {
        name: value
        for name, (each, value) in values.items()
        if not (each.metadata.get("rare") and value == each.default)
    }


class Configuration:
    """A configuration whose ``repr`` shows ``settings_of`` it."""

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in settings_of(self).items())
        return f"{type(self).__name__}({values})"


@dataclass(frozen=True, repr=False)
class ViTConfig(Configuration):
    image_size: int
    patch_size: int
    width: int
    depth: int
    heads: int
    activation: str = "quick_gelu"
    mlp_width: int | None = rarely(None)  # of the hidden layers; None: four times the width


@dataclass(frozen=True)
class ResNetConfig:
    image_size: int
    layers: tuple[int, int, int, int]
    width: int  # of the stem; the features have 32 times as many channels
    heads: int

    @property
    def feature_width(self) -> int:
        return 32 * self.width


@dataclass(frozen=True)
class ConvNetConfig:
    image_size: int
    width: int  # channels of the first stage; the features are 32 times as wide


@dataclass(frozen=True, repr=False)
class TransformerConfig(Configuration):
    vocab_size: int
    context_length: int
    width: int
    depth: int
    heads: int
    activation: str = "quick_gelu"
    mlp_width: int | None = rarely(None)  # of the hidden layers; None: four times the width
    # whose state is the text's feature; None: the largest id of a row
    end_token: int | None = rarely(None)


@dataclass(frozen=True)
class BagOfWordsConfig:
    vocab_size: int
    context_length: int
    width: int


ENCODER_CONFIGS = {
    "vit": ViTConfig,
    "resnet": ResNetConfig,
    "convnet": ConvNetConfig,
    "transformer": TransformerConfig,
    "bag_of_words": BagOfWordsConfig,
}


@dataclass(frozen=True, repr=False)
class CLIPConfig(Configuration):
    """The configuration that fixes a model's shape.

    ``tiny`` and ``classroom`` are ours, ``named`` gives the paper's.
    """

    embed_dim: int
    image: ViTConfig | ResNetConfig | ConvNetConfig
    text: TransformerConfig | BagOfWordsConfig
    # whether a learned number is added to the scaled similarities, as in SigLIP
    logit_bias: bool = rarely(False)

    @classmethod
    def tiny(cls) -> "CLIPConfig":
        """Give the model trained live in class: see EXPERIMENTS.md for how it was chosen."""
        return cls(
            embed_dim=128,
            image=ConvNetConfig(image_size=64, width=32),
            text=BagOfWordsConfig(vocab_size=4096, context_length=32, width=128),
        )

    @classmethod
    def classroom(cls) -> "CLIPConfig":
        """Give the shipped model, at most 8 million parameters."""
        return cls(
            embed_dim=256,
            image=ViTConfig(
                image_size=64, patch_size=8, width=192, depth=6, heads=3, activation="gelu"
            ),
            text=TransformerConfig(
                vocab_size=4096, context_length=32, width=192, depth=2, heads=3, activation="gelu"
            ),
        )

    @classmethod
    def named(cls, name: str, activation: str = "quick_gelu") -> "CLIPConfig":
        """Give a model of the paper (tables 19 and 20) by OpenAI's name, such as ``ViT-B/32``.

        Args:
            activation: ``quick_gelu`` as OpenAI trained them, or ``gelu`` as most of LAION's.

        Raises:
            ValueError: for another name, listing those there are.
        """
        if name not in PAPER_MODELS:
            raise ValueError(
                f"no model {name!r} in the paper; choose from {', '.join(PAPER_MODELS)}"
            )
        embed_dim, image, text_width = PAPER_MODELS[name]
        if isinstance(image, ViTConfig):
            image = replace(image, activation=activation)
        text = TransformerConfig(
            49408, 77, text_width, depth=12, heads=text_width // 64, activation=activation
        )
        return cls(embed_dim, image, text)

    @property
    def image_size(self) -> int:
        return self.image.image_size

    @property
    def context_length(self) -> int:
        return self.text.context_length

    def to_dict(self) -> dict:
        """Give plain data for JSON; ``from_dict`` reads it back."""
        names = {kind: name for name, kind in ENCODER_CONFIGS.items()}
        return settings_of(self) | {
            "image": {"kind": names[type(self.image)], **settings_of(self.image)},
            "text": {"kind": names[type(self.text)], **settings_of(self.text)},
        }

    @classmethod
    def from_dict(cls, data: dict) -> "CLIPConfig":
        """Read a configuration from the dict that ``to_dict`` gives.

        Raises:
            ValueError: for a missing or unknown entry, naming it.
        """
        try:
            return cls(
                data["embed_dim"],
                encoder_config(data["image"]),
                encoder_config(data["text"]),
                bool(data.get("logit_bias", False)),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a model configuration: {error}") from None


# name: joint space, image encoder, width of the text encoder (tables 19 and 20; heads are as many
# as 64 fits the width)
PAPER_MODELS: dict[str, tuple[int, ViTConfig | ResNetConfig, int]] = {
    "RN50": (1024, ResNetConfig(224, (3, 4, 6, 3), width=64, heads=32), 512),
    "RN101": (512, ResNetConfig(224, (3, 4, 23, 3), width=64, heads=32), 512),
    "RN50x4": (640, ResNetConfig(288, (4, 6, 10, 6), width=80, heads=40), 640),
    "RN50x16": (768, ResNetConfig(384, (6, 8, 18, 8), width=96, heads=48), 768),
    "RN50x64": (1024, ResNetConfig(448, (3, 15, 36, 10), width=128, heads=64), 1024),
    "ViT-B/32": (512, ViTConfig(224, 32, width=768, depth=12, heads=12), 512),
    "ViT-B/16": (512, ViTConfig(224, 16, width=768, depth=12, heads=12), 512),
    "ViT-L/14": (768, ViTConfig(224, 14, width=1024, depth=24, heads=16), 768),
    "ViT-L/14@336": (768, ViTConfig(336, 14, width=1024, depth=24, heads=16), 768),
}


def encoder_config(data: dict):
    """Read one encoder's settings from plain data."""
    settings = {
        name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
    }
    kind = settings.pop("kind")
    if kind not in ENCODER_CONFIGS:
        raise ValueError(f"unknown encoder {kind!r}; choose from {', '.join(ENCODER_CONFIGS)}")
    return ENCODER_CONFIGS[kind](**settings)


# -------------------- shared pieces


class QuickGELU(nn.Module):
    """x * sigmoid(1.702 x), what OpenAI's checkpoints were trained with."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "quick_gelu": QuickGELU,
    "gelu": nn.GELU,
    "gelu_tanh": partial(nn.GELU, approximate="tanh"),
}


class Attention(nn.Module):
    """Multi-head self-attention: (B, N, W) to the same, or to (B, 1, W) for ``only`` one token.

    ``only`` (B,) names the token of each row that asks; all of them are asked.
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.in_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None = None, only: Tensor | None = None) -> Tensor:
        B, N, W = x.shape
        # (B, H, N, W/H)
        q, k, v = self.in_proj(x).view(B, N, 3, self.heads, W // self.heads).permute(2, 0, 3, 1, 4)
        if only is not None:
            q = token_at(q.transpose(1, 2), only)[:, :, None]  # (B, H, 1, W/H)
            mask = None if mask is None else mask[only][:, None, None]  # (B, 1, 1, N)
        x = attend(q, k, v, mask).transpose(1, 2).reshape(B, -1, W)
        return self.out_proj(x)


def token_at(tokens: Tensor, place: Tensor) -> Tensor:
    """Pick one token of each row: (B, N, ...) and places (B,) to (B, ...)."""
    return tokens[torch.arange(tokens.shape[0], device=tokens.device), place]


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Compute softmax(q k^T / sqrt(d) + mask) v.

    Written out for training on the CPU: for sequences as short as CLIP's, PyTorch's fused CPU
    kernel has a backward pass that takes longer than the rest of the training step
    (EXPERIMENTS.md).
    """
    if q.is_cuda or (torch.is_inference_mode_enabled() and not q.is_meta):
        return F.scaled_dot_product_attention(
            q, k, v, attn_mask=None if mask is None else mask.to(q.dtype)
        )
    scores = q * q.shape[-1] ** -0.5 @ k.transpose(-1, -2)  # (B, H, N, N)
    if mask is not None:
        scores = scores + mask.to(scores.dtype)
    return scores.softmax(-1).to(v.dtype) @ v


class Block(nn.Module):
    """A pre-LayerNorm transformer block."""

    def __init__(self, width: int, heads: int, activation: str, mlp_width: int | None = None):
        super().__init__()
        hidden = mlp_width or 4 * width
        self.ln_1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden), ACTIVATIONS[activation](), nn.Linear(hidden, width)
        )

    def forward(self, x: Tensor, mask: Tensor | None = None, only: Tensor | None = None) -> Tensor:
        asking = x if only is None else token_at(x, only)[:, None]  # (B, N or 1, W)
        x = asking + self.attention(self.ln_1(x), mask, only=only)
        return x + self.mlp(self.ln_2(x))


def blocks_of(config) -> nn.ModuleList:
    """Build the transformer blocks of a ``ViTConfig`` or ``TransformerConfig``."""
    return nn.ModuleList(
        Block(config.width, config.heads, config.activation, config.mlp_width)
        for _ in range(config.depth)
    )


def through(
    blocks: Iterable[nn.Module],
    x: Tensor,
    mask: Tensor | None,
    recompute: bool,
    only: Tensor | None = None,
) -> Tensor:
    """Run all blocks in turn.

    With ``recompute`` each keeps its input only, and runs again in the backward pass.
    """
    for block in blocks:
        x = (
            checkpoint(block, x, mask, only=only, use_reentrant=False)
            if recompute and x.requires_grad
            else block(x, mask, only=only)
        )
    return x


def state_at(
    place: Tensor, blocks: nn.ModuleList, x: Tensor, mask: Tensor | None, recompute: bool
) -> Tensor:
    """Run all blocks for the last state of one token in each row: (B,), (B, N, W) to (B, W).

    The last block computes that token alone, which is a quarter of its work. Where a hook listens
    in that block, it computes all tokens.
    """
    x, last = through(blocks[:-1], x, mask, recompute), blocks[-1:]
    if not last or any(listened_to(part) for part in last.modules()):
        return token_at(through(last, x, mask, recompute), place)
    return through(last, x, mask, recompute, only=place)[:, 0]


def listened_to(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks)


# -------------------- image encoders


class VisionTransformer(nn.Module):
    """ViT as in CLIP: (B, 3, S, S) images to (B, W) features.

    The features are the class token after the last LayerNorm.

    While training, ``patch_dropout`` of the patches can be left out at random, which makes a step
    cheaper (FLIP, Li et al. 2022).
    """

    def __init__(self, config: ViTConfig):
        super().__init__()
        self.config = config
        W, grid = config.width, config.image_size // config.patch_size
        self.patchify = nn.Conv2d(3, W, config.patch_size, config.patch_size, bias=False)
        self.class_token = nn.Parameter(W**-0.5 * torch.randn(W))
        self.positions = nn.Parameter(W**-0.5 * torch.randn(grid * grid + 1, W))
        self.ln_pre = nn.LayerNorm(W)
        self.blocks = blocks_of(config)
        self.ln_post = nn.LayerNorm(W)
        self.patch_dropout = 0.0
        self.recompute = False

    @property
    def feature_width(self) -> int:
        return self.config.width

    def forward(self, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B W"]:
        x = self.patchify(images).flatten(2).transpose(1, 2)  # (B, N-1, W)
        positions = self.positions.to(x.dtype)
        x = x + positions[1:]
        if self.training and self.patch_dropout:
            x = some_of(x, 1 - self.patch_dropout)
        class_token = (self.class_token.to(x.dtype) + positions[0]).expand(x.shape[0], 1, -1)
        x = self.ln_pre(torch.cat([class_token, x], 1))  # (B, N, W)
        first = torch.zeros(x.shape[0], dtype=torch.long, device=x.device)
        return self.ln_post(state_at(first, self.blocks, x, None, self.recompute))


def some_of(tokens: Tensor, fraction: float) -> Tensor:
    """Choose some of each row's tokens at random: (B, N, W) to (B, round(N * fraction), W)."""
    B, N, W = tokens.shape
    chosen = torch.rand(B, N, device=tokens.device).topk(round(N * fraction), dim=1).indices
    return tokens.gather(1, chosen[:, :, None].expand(-1, -1, W))


class Bottleneck(nn.Module):
    """A residual block whose strides are average pools.

    So nothing is skipped over (section 2.4).
    """

    expansion = 4

    def __init__(self, channels_in: int, channels: int, stride: int):
        super().__init__()
        out = channels * self.expansion
        self.conv1 = nn.Conv2d(channels_in, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.conv3 = nn.Conv2d(channels, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels_in != out:
            pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
            self.shortcut = nn.Sequential(
                pool, nn.Conv2d(channels_in, out, 1, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.pool(F.relu(self.bn2(self.conv2(y))))
        return F.relu(self.bn3(self.conv3(y)) + self.shortcut(x))


class AttentionPool(nn.Module):
    """Attention with one query, the mean of all places: (B, W, h, w) to (B, W).

    CLIP's output projection follows it.
    """

    def __init__(self, grid: int, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.positions = nn.Parameter(width**-0.5 * torch.randn(grid * grid + 1, width))
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(width, width) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(2).transpose(1, 2)  # (B, N-1, W)
        x = torch.cat([x.mean(1, keepdim=True), x], 1) + self.positions.to(x.dtype)  # (B, N, W)
        q, k, v = (
            projection(tokens).unflatten(2, (self.heads, -1)).transpose(1, 2)  # (B, H, 1 or N, W/H)
            for projection, tokens in ((self.q_proj, x[:, :1]), (self.k_proj, x), (self.v_proj, x))
        )
        return attend(q, k, v, None).flatten(1)


class ModifiedResNet(nn.Module):
    """CLIP's ResNet: (B, 3, S, S) images to (B, W) features.

    The features come from the attention pool, before its output projection.
    """

    layer1: nn.Sequential
    layer2: nn.Sequential
    layer3: nn.Sequential
    layer4: nn.Sequential

    def __init__(self, config: ResNetConfig):
        super().__init__()
        self.config = config
        w = config.width
        self.conv1 = nn.Conv2d(3, w // 2, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(w // 2)
        self.conv2 = nn.Conv2d(w // 2, w // 2, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(w // 2)
        self.conv3 = nn.Conv2d(w // 2, w, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(w)
        channels_in = w
        for number, blocks in enumerate(config.layers):
            channels, stage = w * 2**number, []
            for block in range(blocks):
                stage.append(
                    Bottleneck(channels_in, channels, stride=2 if number > 0 and block == 0 else 1)
                )
                channels_in = channels * Bottleneck.expansion
            setattr(self, f"layer{number + 1}", nn.Sequential(*stage))
        self.attention_pool = AttentionPool(
            config.image_size // 32, config.feature_width, config.heads
        )

    @property
    def feature_width(self) -> int:
        return self.config.feature_width

    def forward(self, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B W"]:
        x = F.relu(self.bn1(self.conv1(images)))
        x = F.relu(self.bn2(self.conv2(x)))
        x = F.avg_pool2d(F.relu(self.bn3(self.conv3(x))), 2)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))  # (B, W, S/32, S/32)
        return self.attention_pool(x)


class ConvNet(nn.Module):
    """Seven plain convolutions: (B, 3, S, S) images to (B, W) features.

    The last map is pooled to 2 x 2 places.

    Not from the paper: the smallest image encoder here, which learns most in the first minutes of
    training.
    """

    def __init__(self, config: ConvNetConfig):
        super().__init__()
        self.config = config
        w = config.width
        layers = self.convolution(3, w, kernel=5, stride=2)
        for channels in (w, 2 * w, 4 * w):
            layers += self.convolution(channels, 2 * channels, stride=2) + self.convolution(
                2 * channels, 2 * channels
            )
        self.layers = nn.Sequential(*layers)

    @staticmethod
    def convolution(
        channels_in: int, channels: int, kernel: int = 3, stride: int = 1
    ) -> list[nn.Module]:
        convolution = nn.Conv2d(
            channels_in, channels, kernel, stride, padding=kernel // 2, bias=False
        )
        return [convolution, nn.BatchNorm2d(channels), nn.ReLU()]

    @property
    def feature_width(self) -> int:
        return 32 * self.config.width

    def forward(self, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B W"]:
        x = self.layers(images)  # (B, 8w, S/16, S/16)
        return F.avg_pool2d(x, x.shape[-1] // 2).flatten(1)


# -------------------- text encoders


class TextTransformer(nn.Module):
    """Causal transformer: (B, T) token ids to (B, W) features.

    The features are the state at the end-of-text token after the last LayerNorm.

    End of text is the largest id in a row, so padding with any smaller id (CLIP pads with 0)
    changes nothing. A vocabulary that goes on behind the end has ``end_token`` in its settings: the
    first one in a row is the end.
    """

    causal_mask: Tensor  # (T, T)

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.config = config
        W = config.width
        self.token_embedding = nn.Embedding(config.vocab_size, W)
        self.positions = nn.Parameter(0.01 * torch.randn(config.context_length, W))
        self.blocks = blocks_of(config)
        self.ln_final = nn.LayerNorm(W)
        self.recompute = False
        causal = torch.full((config.context_length, config.context_length), float("-inf")).triu(1)
        self.register_buffer("causal_mask", causal, persistent=False)

    @property
    def feature_width(self) -> int:
        return self.config.width

    def forward(self, token_ids: Int[Tensor, "B T"]) -> Float[Tensor, "B W"]:
        end = (
            token_ids
            if self.config.end_token is None
            else (token_ids == self.config.end_token).int()
        )
        return self.read(self.token_embedding(token_ids), end.argmax(1))

    def read(self, words: Float[Tensor, "B T W"], end: Int[Tensor, " B"]) -> Float[Tensor, "B W"]:
        """Compute ``forward`` from word vectors and the place of each row's end of text.

        Prompt learning brings its own vectors.
        """
        T = words.shape[1]
        x = words + self.positions[:T]
        mask = self.causal_mask[:T, :T]
        return self.ln_final(state_at(end, self.blocks, x, mask, self.recompute))


class BagOfWords(nn.Module):
    """Mean of word vectors, blind to word order (CBOW): (B, T) token ids to (B, W)."""

    def __init__(self, config: BagOfWordsConfig):
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.width)
        self.ln_final = nn.LayerNorm(config.width)

    @property
    def feature_width(self) -> int:
        return self.config.width

    def forward(self, token_ids: Int[Tensor, "B T"]) -> Float[Tensor, "B W"]:
        place = torch.arange(token_ids.shape[1], device=token_ids.device)
        end = token_ids.argmax(1, keepdim=True)  # (B, 1)
        # an empty text is read as its end token
        words = ((place > 0) & (place < end.clamp(min=2)))[..., None]
        x = self.token_embedding(token_ids)  # (B, T, W)
        mean = (x * words).sum(1) / words.sum(1)
        return self.ln_final(mean)


# -------------------- CLIP

ImageEncoder = VisionTransformer | ModifiedResNet | ConvNet
TextEncoder = TextTransformer | BagOfWords

IMAGE_ENCODERS: dict[type, Callable[..., ImageEncoder]] = {
    ViTConfig: VisionTransformer,
    ResNetConfig: ModifiedResNet,
    ConvNetConfig: ConvNet,
}
TEXT_ENCODERS: dict[type, Callable[..., TextEncoder]] = {
    TransformerConfig: TextTransformer,
    BagOfWordsConfig: BagOfWords,
}


class CLIP(nn.Module):
    """Two encoders and a learned temperature.

    ``image_encoder(images)`` gives the features that a linear probe reads (B, W); ``encode_image``
    and ``encode_text`` give unit vectors of the joint space (B, D).
    """

    def __init__(self, config: CLIPConfig):
        super().__init__()
        self.config = config
        self.image_encoder = IMAGE_ENCODERS[type(config.image)](config.image)
        self.text_encoder = TEXT_ENCODERS[type(config.text)](config.text)
        # its projection is the attention pool's, which has a bias
        resnet = isinstance(config.image, ResNetConfig)
        self.image_projection = nn.Linear(
            self.image_encoder.feature_width, config.embed_dim, bias=resnet
        )
        self.text_projection = nn.Linear(
            self.text_encoder.feature_width, config.embed_dim, bias=False
        )
        self.logit_scale = nn.Parameter(torch.tensor(LOGIT_SCALE_START))
        self.logit_bias: nn.Parameter | None = None
        if config.logit_bias:
            self.start_as_siglip()
        initialise(self)

    def encode_image(self, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B D"]:
        return F.normalize(self.image_projection(self.image_encoder(images)).float(), dim=-1)

    def encode_text(self, token_ids: Int[Tensor, "B T"]) -> Float[Tensor, "B D"]:
        return F.normalize(self.text_projection(self.text_encoder(token_ids)).float(), dim=-1)

    def start_as_siglip(self) -> None:
        """Give the model a bias, and the temperature that SigLIP's training starts from."""
        self.config = replace(self.config, logit_bias=True)
        scale, bias = (
            torch.tensor(start, device=self.logit_scale.device) for start in SIGMOID_START
        )
        self.logit_scale, self.logit_bias = nn.Parameter(scale), nn.Parameter(bias)

    @property
    def scale(self) -> Float[Tensor, ""]:
        """The factor on similarities: exp(logit_scale).

        Training keeps it at 100 or less.
        """
        return self.logit_scale.exp()

    @torch.no_grad()
    def clamp_logit_scale(self) -> None:
        """Keep the learned temperature in [0, ln 100]; the trainer calls this after every step."""
        self.logit_scale.clamp_(0, LOGIT_SCALE_MAX)

    def forward(self, images, token_ids) -> tuple[Tensor, Tensor, Tensor]:
        """Compute (image_features (B, D), text_features (B, D), scale), what ``clip_loss`` takes.

        Token ids (B, K, T), several texts for each image, give text features (B, K, D).
        """
        texts = self.encode_text(token_ids.flatten(0, -2)).unflatten(0, token_ids.shape[:-1])
        return self.encode_image(images), texts, self.scale


@torch.no_grad()
def initialise(model: CLIP) -> None:
    """Set the paper's initial weights.

    What is not named here keeps PyTorch's default, as in the released code.
    """
    text = model.text_encoder
    nn.init.normal_(text.token_embedding.weight, std=0.02)
    blocks = blocks_in(text)
    for block in blocks:
        initialise_block(block, text.config.width, len(blocks))
    nn.init.normal_(model.text_projection.weight, std=text.feature_width**-0.5)
    nn.init.normal_(model.image_projection.weight, std=model.image_encoder.feature_width**-0.5)
    if isinstance(model.image_encoder, ModifiedResNet):
        initialise_resnet(model.image_encoder)


def blocks_in(encoder: nn.Module) -> list[Block]:
    """List an encoder's transformer blocks, from first to last."""
    return [part for part in encoder.modules() if isinstance(part, Block)]


def initialise_block(block: Block, width: int, depth: int) -> None:
    residual = width**-0.5 * (2 * depth) ** -0.5
    nn.init.normal_(block.attention.in_proj.weight, std=width**-0.5)
    nn.init.normal_(block.attention.out_proj.weight, std=residual)
    nn.init.normal_(block.mlp[0].get_parameter("weight"), std=(2 * width) ** -0.5)
    nn.init.normal_(block.mlp[2].get_parameter("weight"), std=residual)


def initialise_resnet(encoder: ModifiedResNet) -> None:
    for module in encoder.modules():
        if isinstance(module, Bottleneck):
            nn.init.zeros_(module.bn3.weight)
        if isinstance(module, AttentionPool):
            for projection in (module.q_proj, module.k_proj, module.v_proj):
                nn.init.normal_(projection.weight, std=projection.in_features**-0.5)

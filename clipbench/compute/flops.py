"""Floating-point operations of a model by its shape, and what graphics cards can do.

These are the terms of MFU, the model FLOPs utilisation.

A multiplication and an addition are two operations. Matrix products and convolutions are counted,
and nothing else: what open_clip's profiles (docs/model_profile.csv) give for ViTs; for ResNets they
are 1 to 6 % higher, and torch's own counter agrees with ours. Training does three times the forward
pass: once more for the gradients of the activations and once for those of the weights. What
micro-batches or recomputing do again is not counted, so that MFU says how much of the card the
training itself got (Chowdhery et al. 2022, appendix B).

``spare`` says what to count: False, the model as it is published; True, what is computed here,
where the last block of a transformer computes the one token whose state is the feature. MFU counts
the latter.
"""

from clipbench.model import (
    BagOfWordsConfig,
    Bottleneck,
    CLIPConfig,
    ConvNetConfig,
    ResNetConfig,
    TransformerConfig,
    ViTConfig,
)

# Peak of dense matrix products in TFLOP/s, from NVIDIA's data sheets, by a part of the name that
# torch gives the card. Where names share a part the longer one comes first; a card that is not here
# has no MFU.
PEAKS = {
    "H100 PCIe": {"bf16": 756, "fp16": 756},
    "H100 NVL": {"bf16": 835, "fp16": 835},
    "H100": {"bf16": 989, "fp16": 989},
    "H200": {"bf16": 989, "fp16": 989},
    "A100": {"bf16": 312, "fp16": 312},
    "L4": {"bf16": 121, "fp16": 121},
    "T4": {"fp16": 65},
    "V100": {"fp16": 125},
}


def peak_tflops(card: str, precision: str) -> float | None:
    """Give the peak of the card in this number format; None for a card that is not known."""
    words = card.replace("-", " ").split()
    for name, peaks in PEAKS.items():
        if all(part in words for part in name.split()):
            return peaks.get(precision)
    return None


def training_flops(
    config: CLIPConfig,
    tokens: int,
    kept: float = 1.0,
    lock_image=False,
    lock_text=False,
    captions: int = 1,
    spare: bool = False,
) -> float:
    """Count operations of one training step for each picture with its texts of ``tokens`` tokens.

    Of a locked encoder only the forward pass is counted.
    """
    image = image_flops(config, kept, spare)
    text = captions * text_flops(config, tokens, spare)
    return (1 if lock_image else 3) * image + (1 if lock_text else 3) * text


def image_flops(config: CLIPConfig, kept: float = 1.0, spare: bool = False) -> float:
    """Count operations of the forward pass of one image, projection included.

    ``kept`` is the share of a ViT's patches that is not dropped.
    """
    image = config.image
    if isinstance(image, ViTConfig):
        patches = (image.image_size // image.patch_size) ** 2
        patchify = 2 * patches * 3 * image.patch_size**2 * image.width
        tokens = round(kept * patches) + 1
        encoder = patchify + transformer_flops(tokens, image.width, image.depth, spare)
    elif isinstance(image, ResNetConfig):
        encoder = resnet_flops(image)
    else:
        encoder = convnet_flops(image)
    width = 32 * image.width if isinstance(image, (ResNetConfig, ConvNetConfig)) else image.width
    return encoder + 2 * width * config.embed_dim


def text_flops(config: CLIPConfig, tokens: int | None = None, spare: bool = False) -> float:
    """Count operations of the forward pass of one text of ``tokens`` tokens, projection included.

    By default these are as many as the model reads.
    """
    text = config.text
    projection = 2 * text.width * config.embed_dim
    if isinstance(text, BagOfWordsConfig):
        return projection
    assert isinstance(text, TransformerConfig)
    tokens = tokens or text.context_length
    return transformer_flops(tokens, text.width, text.depth, spare) + projection


def transformer_flops(tokens: int, width: int, depth: int, spare: bool = False) -> float:
    """Count operations of the forward pass of ``depth`` transformer blocks.

    Four projections and a fourfold MLP: 24 N W^2; scores and their use: 4 N^2 W.
    """
    whole = depth * (24 * tokens * width**2 + 4 * tokens**2 * width)
    spared = (tokens - 1) * (
        18 * width**2 + 4 * tokens * width
    )  # all but one token's, less q, k, v
    return whole - spared if spare else whole


def convolution(size: int, channels_in: int, channels: int, kernel: int = 1) -> float:
    """Count operations of a convolution whose result has size x size places."""
    return 2 * size**2 * channels_in * channels * kernel**2


def resnet_flops(image: ResNetConfig) -> float:
    w, size = image.width, image.image_size // 2
    total = (
        convolution(size, 3, w // 2, 3)
        + convolution(size, w // 2, w // 2, 3)
        + convolution(size, w // 2, w, 3)
    )
    size, channels_in = size // 2, w
    for number, blocks in enumerate(image.layers):
        for block in range(blocks):
            before, channels = size, w * 2**number
            if number > 0 and block == 0:
                size //= 2
            out = channels * Bottleneck.expansion
            total += convolution(before, channels_in, channels) + convolution(
                before, channels, channels, 3
            )
            total += convolution(size, channels, out)
            if size != before or channels_in != out:
                total += convolution(size, channels_in, out)
            channels_in = out
    tokens, width = size**2 + 1, image.feature_width
    # keys and values of all, one query
    return total + 2 * (2 * tokens + 1) * width**2 + 4 * tokens * width


def convnet_flops(image: ConvNetConfig) -> float:
    w, size = image.width, image.image_size // 2
    total = convolution(size, 3, w, 5)
    for channels in (w, 2 * w, 4 * w):
        size //= 2
        total += convolution(size, channels, 2 * channels, 3) + convolution(
            size, 2 * channels, 2 * channels, 3
        )
    return total

"""The names of a CLIP model's weights in each project.

The projects are this package, transformers, and OpenAI with open_clip.

One table a project says which of its tensors make up one of ours. transformers splits the fused
query-key-value weights in three; OpenAI stores the projections transposed. OpenAI's and open_clip's
names are the same.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Layout:
    """How another project stores our weights."""

    renamed: tuple[tuple[str, str], ...]  # a pattern in our name, and what stands there in theirs
    split_attention: bool = False  # whether queries, keys and values have a tensor each
    transposed: tuple[str, ...] = ()  # ours that they store as (in, out)
    ignored: str = r"$^"  # a pattern of theirs that hold no weights

    def names(self, name: str) -> list[str]:
        """Give their names of the tensors that, concatenated, are ours of this name."""
        theirs = name
        for pattern, replacement in self.renamed:
            theirs = re.sub(pattern, replacement, theirs)
        if self.split_attention and ".in_proj." in name:
            return [theirs.replace(".in_proj.", f".{part}_proj.") for part in "qkv"]
        return [theirs]

    def write(self, ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Give our weights under their names."""
        theirs: dict[str, Tensor] = {}
        for name, tensor in ours.items():
            tensor = tensor.T if name in self.transposed else tensor
            names = self.names(name)
            pieces = tensor.chunk(len(names)) if len(names) > 1 else [tensor]
            theirs.update(zip(names, (piece.contiguous() for piece in pieces), strict=True))
        return theirs

    def read(self, theirs: dict[str, Tensor], wanted: Iterable[str]) -> dict[str, Tensor]:
        """Give their weights under our names; those that are used are taken out of ``theirs``.

        Raises:
            KeyError: with their name of a weight that is missing.
            ValueError: when parts of one weight do not fit together.
        """
        ours = {}
        for name in wanted:
            pieces = [theirs.pop(each) for each in self.names(name)]
            try:
                tensor = torch.cat(pieces) if len(pieces) > 1 else pieces[0]
            except (RuntimeError, TypeError) as error:
                raise ValueError(
                    f"parts of {self.names(name)[0]} do not fit together: {error}"
                ) from None
            # what is no matrix is refused later, by its shape
            ours[name] = (
                tensor.T.contiguous() if name in self.transposed and tensor.ndim == 2 else tensor
            )
        for name in [name for name in theirs if re.search(self.ignored, name)]:
            del theirs[name]
        return ours


OURS = Layout(renamed=())

HUB = Layout(
    renamed=(
        (r"^image_encoder\.class_token$", "vision_model.embeddings.class_embedding"),
        (r"^image_encoder\.patchify\.weight$", "vision_model.embeddings.patch_embedding.weight"),
        (r"^image_encoder\.positions$", "vision_model.embeddings.position_embedding.weight"),
        (r"^image_encoder\.ln_pre\.", "vision_model.pre_layrnorm."),
        (r"^image_encoder\.ln_post\.", "vision_model.post_layernorm."),
        (r"^image_encoder\.blocks\.", "vision_model.encoder.layers."),
        (
            r"^text_encoder\.token_embedding\.weight$",
            "text_model.embeddings.token_embedding.weight",
        ),
        (r"^text_encoder\.positions$", "text_model.embeddings.position_embedding.weight"),
        (r"^text_encoder\.ln_final\.", "text_model.final_layer_norm."),
        (r"^text_encoder\.blocks\.", "text_model.encoder.layers."),
        (r"^image_projection\.weight$", "visual_projection.weight"),
        (r"\.ln_1\.", ".layer_norm1."),
        (r"\.ln_2\.", ".layer_norm2."),
        (r"\.attention\.", ".self_attn."),
        (r"\.mlp\.0\.", ".mlp.fc1."),
        (r"\.mlp\.2\.", ".mlp.fc2."),
    ),
    split_attention=True,
    ignored=r"\.position_ids$",
)

OPENAI_TEXT = (
    (r"^text_encoder\.positions$", "positional_embedding"),
    (r"^text_encoder\.blocks\.", "transformer.resblocks."),
    (r"^text_encoder\.", ""),
    (r"^text_projection\.weight$", "text_projection"),
    (r"\.attention\.in_proj\.", ".attn.in_proj_"),
    (r"\.attention\.out_proj\.", ".attn.out_proj."),
    (r"\.mlp\.0\.", ".mlp.c_fc."),
    (r"\.mlp\.2\.", ".mlp.c_proj."),
)
OPENAI_IGNORED = r"^(input_resolution|context_length|vocab_size|attn_mask)$"

# A ResNet's projection is the last layer of its attention pool; a ViT's and the texts' are bare (W,
# D) matrices.
OPENAI_RESNET = Layout(
    renamed=(
        (r"^image_projection\.", "visual.attnpool.c_proj."),
        (r"^image_encoder\.attention_pool\.positions$", "visual.attnpool.positional_embedding"),
        (r"^image_encoder\.attention_pool\.", "visual.attnpool."),
        (r"^image_encoder\.(layer\d\.\d+)\.shortcut\.1\.", r"visual.\1.downsample.0."),
        (r"^image_encoder\.(layer\d\.\d+)\.shortcut\.2\.", r"visual.\1.downsample.1."),
        (r"^image_encoder\.", "visual."),
        *OPENAI_TEXT,
    ),
    transposed=("text_projection.weight",),
    ignored=OPENAI_IGNORED,
)

OPENAI_VIT = Layout(
    renamed=(
        (r"^image_projection\.weight$", "visual.proj"),
        (r"^image_encoder\.class_token$", "visual.class_embedding"),
        (r"^image_encoder\.positions$", "visual.positional_embedding"),
        (r"^image_encoder\.patchify\.", "visual.conv1."),
        (r"^image_encoder\.blocks\.", "visual.transformer.resblocks."),
        (r"^image_encoder\.", "visual."),
        *OPENAI_TEXT,
    ),
    transposed=("image_projection.weight", "text_projection.weight"),
    ignored=OPENAI_IGNORED,
)

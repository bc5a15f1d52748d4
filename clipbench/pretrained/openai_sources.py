"""Where OpenAI's nine models are on the hub as safetensors.

OpenAI's own repositories hold pickles; theirs for transformers have safetensors in a robot's pull
request only. The repositories that open_clip takes the same weights from (its table
``open_clip.pretrained``, version 3.3.0) have ``open_clip_model.safetensors`` on their main branch.

Revisions and hashes are those that several independent public projects have recorded of these
repositories; no network was at hand when they were written down. A download is checked against the
hash. Where none was found, the main branch is followed. ``clipbench doctor --online`` compares all
of it with the hub.
"""

from dataclasses import dataclass

from clipbench.model import PAPER_MODELS


@dataclass(frozen=True)
class Source:
    """One model's repositories.

    Attributes:
        repo: where open_clip takes it from.
        hub_id: OpenAI's own repository for transformers; there is none of ResNets.
        revision: the commit of ``repo`` that is taken; None: its main branch.
        sha256: of the weights there, where it is known.
    """

    repo: str
    hub_id: str | None = None
    revision: str | None = None
    sha256: str | None = None


SOURCES = {
    "RN50": Source(
        "timm/resnet50_clip.openai",
        None,
        "ec3d92cf63a5f9d591f0d611b736895966c73076",
        "da0baa37fb2211eee5729ab69ed587eb10d48f5b7076ceeed01552fc3d4cb4ee",
    ),
    "RN101": Source("timm/resnet101_clip.openai"),
    "RN50x4": Source("timm/resnet50x4_clip.openai"),
    "RN50x16": Source("timm/resnet50x16_clip.openai"),
    "RN50x64": Source("timm/resnet50x64_clip.openai"),
    "ViT-B/32": Source(
        "timm/vit_base_patch32_clip_224.openai",
        "openai/clip-vit-base-patch32",
        "a6f597a30f7b82c51704746581f9a4e41421e878",
        "e6d1bd7789aa45192b3bf90570a789b478bae1b74ebcce7eddd908e83a2b7c31",
    ),
    "ViT-B/16": Source(
        "timm/vit_base_patch16_clip_224.openai",
        "openai/clip-vit-base-patch16",
        "977e3dd0ec55ab8da155f2fbeb6b5f54948b6e3d",
        "4b8699299b1e8997753c64b052ba32031449d5d853f55a039148560ee02b820f",
    ),
    "ViT-L/14": Source(
        "timm/vit_large_patch14_clip_224.openai",
        "openai/clip-vit-large-patch14",
        "18d0535469bb561bf468d76c1d73aa35156c922b",
        "9ce2e8a8ebfff3793d7d375ad6d3c35cb9aebf3de7ace0fc7308accab7cd207e",
    ),
    "ViT-L/14@336": Source(
        "timm/vit_large_patch14_clip_336.openai",
        "openai/clip-vit-large-patch14-336",
        "81e38efc4637de5023b10e75a7f9bd1c6fa6b010",
        "fbc415c3d0d7b79faed8f5ccfb740c32b7c4f5ffe7283b851f89c6231c01a8e0",
    ),
}
assert SOURCES.keys() == PAPER_MODELS.keys()


def source_of(name: str) -> Source | None:
    """Find the repositories of one of OpenAI's models, by its name or either hub id.

    It is None for other models.

    Names are OpenAI's (``ViT-L/14@336px``) or open_clip's (``ViT-L-14-336``).
    """
    wanted = plain(name)
    for paper_name, source in SOURCES.items():
        if name in (source.repo, source.hub_id) or wanted == plain(paper_name):
            return source
    return None


def plain(name: str) -> str:
    """Spell a name of OpenAI's as open_clip does, so that both compare equal."""
    return name.replace("/", "-").replace("@", "-").removesuffix("px")

"""Other projects' families of models, as their own code builds them, through ``clipbench.load``.

Each family is built narrow, with random weights, by the library that has it, and written as that
library writes it. Its features must come out of ``clipbench.load`` as the library itself computes
them from the same folder. A family whose library is not installed is left out.

    python -m tools.parity

prints the table of EXPERIMENTS.md: the adapter that computes it, and the largest differences.
"""

import contextlib
import functools
import importlib.util
import json
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from clipbench.data.world.sprites import concepts
from clipbench.encoders.clip import load
from clipbench.pretrained.folders import world_tokenizer
from clipbench.pretrained.open_clip_library import import_open_clip

TEXTS = ["a photo of a cat.", "two red dogs to the left of a bus", "a"]
TOKENS = 4096  # of the emoji world's vocabulary, which stands in for the real ones


@dataclass(frozen=True)
class Family:
    """A kind of model.

    Attributes:
        name: with the layout in which its folder is.
        needs: packages without which its library cannot build it.
        build: writes a folder with random weights.
        reference: of a folder, pictures as the encoder gives them and texts: what the library makes
            of them, (images (B, D), texts (T, D), logits (B, T)).
    """

    name: str
    needs: tuple[str, ...]
    build: Callable[[Path], None]
    reference: Callable[[Path, Tensor, list[str]], tuple[Tensor, Tensor, Tensor]]

    @property
    def absent(self) -> list[str]:
        return [package for package in self.needs if not importlib.util.find_spec(package)]


def pictures() -> list[Image.Image]:
    """Make noise of three shapes."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((40, 30, 3), (64, 64, 3), (30, 50, 3))
    return [
        Image.fromarray(torch.randint(0, 256, shape, generator=generator).byte().numpy())
        for shape in shapes
    ]


def differences(family: Family, folder: Path) -> dict:
    """Build, load and compare a model of a family.

    Returns:
        the adapter's name, and the largest absolute differences of unit vectors, and of logits
        relative to the largest logit.
    """
    torch.manual_seed(0)
    with quiet():
        family.build(folder)
        encoder = load(folder, device="cpu")
        images = encoder.preprocess(pictures())
        with torch.inference_mode():
            expected = family.reference(folder, images, TEXTS)
    found = encoder.encode_image(images), encoder.encode_text(TEXTS)
    logits = encoder.scale * found[0] @ found[1].T + encoder.bias
    distances = [
        float((a - b).abs().max()) for a, b in zip((*found, logits), expected, strict=True)
    ]
    return {
        "family": family.name,
        "adapter": ADAPTERS[type(encoder).__name__],
        "images": distances[0],
        "texts": distances[1],
        "logits": distances[2] / float(expected[2].abs().max()),
    }


ADAPTERS = {
    "ClipbenchEncoder": "none: clipbench's own model",
    "TransformersEncoder": "transformers",
    "FlexibleSiglipEncoder": "transformers",
    "OpenClipEncoder": "open_clip",
}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence the remarks of either library on random weights."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def disturbed(model: nn.Module) -> nn.Module:
    """Change gains, biases and tokens from those of a new model, so that each one matters."""
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1 and not name.startswith("logit"):
            nn.init.normal_(parameter, mean=float(parameter.detach().mean()), std=0.2)
    return model.eval()


# -------------------- transformers

TOWER = {
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
SQUARE = {"height": 32, "width": 32}
SIGLIP_PICTURES = {"size": SQUARE, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 2}
CLIP_PICTURES = {"size": {"shortest_edge": 32}, "crop_size": SQUARE}


def in_transformers(kind: str, pictures: dict, vision: dict, text: dict, **more):
    """Give (build, reference) of a model that transformers calls ``kind``."""

    def build(folder: Path) -> None:
        import transformers

        words = world_tokenizer()
        ends = {"bos_token_id": words.start_id, "eos_token_id": words.end_id, "pad_token_id": 1}
        config = getattr(transformers, f"{kind}Config")(
            vision_config=TOWER | {"patch_size": 8} | vision,
            text_config=TOWER | {"vocab_size": TOKENS} | ends | text,
            **more,
        )
        model = disturbed(getattr(transformers, f"{kind}Model")(config))
        if hasattr(model, "logit_bias"):
            model.logit_bias.data.fill_(-3.0)
        model.save_pretrained(folder)
        (folder / "preprocessor_config.json").write_text(json.dumps(pictures))
        words.save(folder)

    def reference(folder: Path, images: Tensor, texts: list[str]):
        import transformers

        model = getattr(transformers, f"{kind}Model").from_pretrained(folder).eval()
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        siglip = "Siglip" in kind
        length = model.config.text_config.max_position_embeddings
        tokens = tokenizer(
            texts, padding="max_length" if siglip else True, max_length=length, return_tensors="pt"
        )
        asked = {"input_ids": tokens["input_ids"]}
        if not siglip:
            asked["attention_mask"] = tokens["attention_mask"]
        output = model(**asked, **pixels_for(kind, folder, images))
        return output.image_embeds, output.text_embeds, output.logits_per_image

    return build, reference


def pixels_for(kind: str, folder: Path, images: Tensor) -> dict[str, Tensor]:
    """Prepare the encoder's pictures; those of NaFlex as transformers' own processor cuts them."""
    if kind != "Siglip2":
        return {"pixel_values": images}
    from transformers import Siglip2ImageProcessorPil

    processor = Siglip2ImageProcessorPil.from_pretrained(folder)
    return dict(processor(images=pictures(), return_tensors="pt"))


# -------------------- open_clip

VIT = {"image_size": 32, "patch_size": 8, "layers": 2, "width": 48, "head_width": 12}
TEXT = {"context_length": 32, "vocab_size": TOKENS, "width": 48, "heads": 4, "layers": 2}
OWN_TOKENS = {"hf_tokenizer_name": "the folder's own"}
HALF = {"mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "squash"}


def in_open_clip(vision: dict, text: dict, pictures: dict | None = None, narrow=None, **model):
    """Give (build, reference) of an open_clip model with these settings.

    ``narrow`` is what timm is told besides the name of an image encoder.
    """
    narrow = narrow or {}

    def build(folder: Path) -> None:
        tower = vision if "timm_model_name" in vision else VIT | vision
        settings = {"embed_dim": 32, "vision_cfg": tower, "text_cfg": TEXT | OWN_TOKENS | text}
        data = {"model_cfg": settings | model, "preprocess_cfg": pictures or {}}
        folder.mkdir(exist_ok=True)
        (folder / "open_clip_config.json").write_text(json.dumps(data))
        world_tokenizer().save(folder)
        if text.get("eos_id") == 2:
            write_unigram(folder)
        save(disturbed(created(folder, narrow, load_weights=False)), folder)

    def reference(folder: Path, images: Tensor, texts: list[str]):
        their_model = created(folder, narrow)
        tokenizer = import_open_clip().get_tokenizer(f"local-dir:{folder}")
        found = (
            their_model.encode_image(images, True),
            their_model.encode_text(tokenizer(texts), True),
        )
        bias = 0.0 if their_model.logit_bias is None else their_model.logit_bias
        return *found, their_model.logit_scale.exp() * found[0] @ found[1].T + bias

    return build, reference


def created(folder: Path, narrow: dict, **options) -> nn.Module:
    """Create open_clip's own model of a folder."""
    with narrowed_timm(narrow) if narrow else contextlib.nullcontext():
        return import_open_clip().create_model(f"local-dir:{folder}", **options).eval()


@contextlib.contextmanager
def narrowed_timm(settings: dict) -> Iterator[None]:
    """Have timm build models of a name with these settings, while active."""
    import timm

    before = timm.create_model
    timm.create_model = functools.partial(before, **settings)
    try:
        yield
    finally:
        timm.create_model = before


def save(model: nn.Module, folder: Path) -> None:
    from safetensors.torch import save_file

    state = {name: tensor.contiguous().clone() for name, tensor in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")


def write_unigram(folder: Path) -> None:
    """Write a tokenizer like XLM-V's, with its special tokens, instead of the world's."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        (folder / name).unlink()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>")
    sentences = [f"a photo of two {concept.name}s on a bus" for concept in concepts()[:300]]
    tokenizer.train_from_iterator(sentences, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
    ).save_pretrained(folder)


# -------------------- the families

TRANSFORMERS, OPEN_CLIP = ("transformers",), ("open_clip",)
TIMM = ("open_clip", "timm", "torchvision", "transformers")
SIGLIP_TEXT = {
    "no_causal_mask": True,
    "proj_bias": True,
    "pool_type": "last",
    "norm_kwargs": {"eps": 1e-6},
    "context_length": 16,
}
TANH = {"act_kwargs": {"approximate": "tanh"}}


def siglip(image_encoder: str, heads: int, text: dict | None = None):
    """Give (build, reference) of a SigLIP of open_clip: two blocks of timm's image encoder."""
    vision = {
        "timm_model_name": image_encoder,
        "timm_model_pretrained": False,
        "timm_pool": "map",
        "timm_proj": "none",
        "image_size": 32,
    }
    narrow = {"embed_dim": 96, "depth": 2, "num_heads": heads, "img_size": 32}
    shape = {"width": 96, "heads": 4} | SIGLIP_TEXT | (text or {})
    start = {"init_logit_bias": -10.0, "custom_text": True, "embed_dim": 96}
    return in_open_clip(vision, shape, HALF, narrow, **start)


def timm_model(name: str, size: int, pool: str, text: dict, pictures: dict):
    vision = {
        "timm_model_name": name,
        "timm_model_pretrained": False,
        "timm_pool": pool,
        "timm_proj": None,
        "image_size": size,
    }
    return in_open_clip(vision, text, pictures, custom_text=True)


CLIP_TEXT = {"max_position_embeddings": 32, "hidden_act": "gelu"}
SHORT = {"max_position_embeddings": 16}
IMAGE = {"image_size": 32, "hidden_act": "gelu"}
MOBILE = {"mean": [0.0] * 3, "std": [1.0] * 3, "interpolation": "bilinear"}
FAMILIES = [
    Family(
        "CLIP, transformers",
        TRANSFORMERS,
        *in_transformers("CLIP", CLIP_PICTURES, IMAGE, CLIP_TEXT, projection_dim=32),
    ),
    Family("CLIP, open_clip", OPEN_CLIP, *in_open_clip({}, {})),
    Family(
        "CLIP ResNet, open_clip",
        OPEN_CLIP,
        *in_open_clip(
            {
                "layers": [1, 2, 1, 1],
                "width": 8,
                "head_width": 32,
                "patch_size": None,
                "image_size": 64,
            },
            {},
        ),
    ),
    Family(
        "ViT-H/14's heads, open_clip", OPEN_CLIP, *in_open_clip({"width": 80, "head_width": 20}, {})
    ),
    Family("ViT-g/14's mlp ratio, open_clip", OPEN_CLIP, *in_open_clip({"mlp_ratio": 4.3637}, {})),
    Family(
        "ViT-bigG/14's mlp ratio, open_clip", OPEN_CLIP, *in_open_clip({"mlp_ratio": 4.9231}, {})
    ),
    Family(
        "CLIP with a logit bias, open_clip",
        OPEN_CLIP,
        *in_open_clip({}, {}, init_logit_bias=-10.0, init_logit_scale=2.3026),
    ),
    Family(
        "SigLIP and SigLIP 2, transformers",
        TRANSFORMERS,
        *in_transformers("Siglip", SIGLIP_PICTURES, IMAGE, SHORT),
    ),
    Family(
        "SigLIP 2 NaFlex, transformers",
        TRANSFORMERS,
        *in_transformers(
            "Siglip2",
            {
                "image_processor_type": "Siglip2ImageProcessor",
                "patch_size": 8,
                "max_num_patches": 16,
            },
            {"num_patches": 16},
            SHORT,
        ),
    ),
    Family("SigLIP B/16, open_clip", TIMM, *siglip("vit_base_patch16_siglip_224", 12)),
    Family("SigLIP So400m/14, open_clip", TIMM, *siglip("vit_so400m_patch14_siglip_224", 16)),
    Family("SigLIP 2 B/32, open_clip", TIMM, *siglip("vit_base_patch32_siglip_256", 12, TANH)),
    Family(
        "SigLIP 2 gopt/16, open_clip", TIMM, *siglip("vit_giantopt_patch16_siglip_256", 16, TANH)
    ),
    Family(
        "Meta CLIP 2, transformers",
        TRANSFORMERS,
        *in_transformers("MetaClip2", CLIP_PICTURES, IMAGE, CLIP_TEXT, projection_dim=32),
    ),
    Family(
        "Meta CLIP 2, open_clip",
        ("open_clip", "transformers"),
        *in_open_clip({}, {"pool_type": "eos", "eos_id": 2}, quick_gelu=True),
    ),
    Family(
        "MobileCLIP2-S0, open_clip",
        TIMM,
        *timm_model("fastvit_mci0", 256, "avg", {"no_causal_mask": True}, MOBILE),
    ),
    Family(
        "PE-Core-T/16, open_clip",
        TIMM,
        *timm_model("vit_pe_core_tiny_patch16_384", 384, "map", {}, HALF),
    ),
]


def table(rows: list[dict]) -> str:
    lines = ["| family, layout | adapter | images | texts | logits |", "|---|---|---|---|---|"]
    for row in rows:
        numbers = " | ".join(f"{row[part]:.0e}" for part in ("images", "texts", "logits"))
        lines.append(f"| {row['family']} | {row['adapter']} | {numbers} |")
    return "\n".join(lines)


def main() -> None:
    rows = []
    for family in FAMILIES:
        if family.absent:
            print(f"left out: {family.name} (needs {', '.join(family.absent)})")
            continue
        with tempfile.TemporaryDirectory() as folder:
            rows.append(differences(family, Path(folder)))
    print(table(rows))


if __name__ == "__main__":
    main()

"""Sparse autoencoders: a layer's vectors as sums of few directions out of many.

They are the TopK autoencoders of Gao et al. 2024, "Scaling and evaluating sparse autoencoders".

    z = TopK(W_enc (x - b) + c),    x' = W_dec z + b

All but the k largest entries of z are zero, and those that are negative, too. The loss is the
squared error per number, divided by the variance of the training rows. A feature that has not been
active for many rows is *dead*; an auxiliary loss (their section 2.4, AuxK) lets the dead ones
explain what the living ones leave over, so that they come back to life. Directions have length one.

Rows are whatever a model makes: unit vectors of the joint space of any encoder, or the tokens (or
the places of a map) behind any layer of this package's own CLIP.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from clipbench.data.image_set import PictureSet
from clipbench.encoders.clip import Encoder
from clipbench.errors import UserError, first_line
from clipbench.files import atomic_folder
from clipbench.inside.responses import listening, one_number_a_unit, own_model
from clipbench.progress import shown

JOINT = "joint"  # unit vectors of pictures, as encoders give them; any other name is a layer's
WEIGHTS, SIDECAR = "autoencoder.safetensors", "autoencoder.json"


# -------------------- rows


def layer_outputs(
    encoder: Encoder,
    pictures: PictureSet,
    layer: str = JOINT,
    batch_size: int = 128,
    progress: bool = True,
) -> Iterator[Float[Tensor, "B N W"]]:
    """Yield a layer's outputs for all pictures, batch by batch, in float32 on the CPU.

    There are N tokens or places of each picture; the joint space has N = 1.

    Raises:
        UserError: for an unknown layer, or a layer of an encoder that is not this package's CLIP.
    """
    starts = range(0, len(pictures), batch_size)
    for start in shown(starts, f"{layer} of {pictures.name}", progress):
        rows = range(start, min(start + batch_size, len(pictures)))
        yield output_of(encoder, encoder.preprocess(pictures.pictures(rows)), layer)


@torch.no_grad()
def output_of(encoder: Encoder, images: Tensor, layer: str) -> Float[Tensor, "B N W"]:
    """Compute a layer's output for preprocessed pictures."""
    if layer == JOINT:
        return encoder.encode_image(images)[:, None].clone()
    model = own_model(encoder)
    weight = model.image_projection.weight
    with listening(model, [layer]) as heard:
        model.encode_image(images.to(weight.device, weight.dtype))
    return as_tokens(heard[layer]).float().cpu()


def as_tokens(output: Tensor) -> Float[Tensor, "B N W"]:
    """Arrange a layer's output with its places in the middle.

    The output is vectors, tokens, or a map (B, W, h, w).
    """
    if output.ndim == 4:
        return output.flatten(2).transpose(1, 2)
    return output if output.ndim == 3 else output[:, None]


def some_tokens(
    outputs: Float[Tensor, "M N W"], each: int = 8, seed: int = 0
) -> Float[Tensor, "R W"]:
    """Draw rows to train on, in float32.

    They are ``each`` random tokens of every picture (all where there are fewer).
    """
    places = torch.rand(outputs.shape[:2], generator=torch.Generator().manual_seed(seed))
    chosen = places.topk(min(each, outputs.shape[1]), dim=1).indices
    return (
        outputs.gather(1, chosen[..., None].expand(-1, -1, outputs.shape[2])).flatten(0, 1).float()
    )


def answers(
    scores: Callable[[Tensor], Tensor],
    outputs: Float[Tensor, "M N W"],
    pool: str = "max",
    batch_size: int = 128,
) -> Float[Tensor, "M F"]:
    """Compute each direction's response to every picture, its places pooled as units' are.

    Args:
        scores: gives the answers (B, N, F) of F directions, such as ``autoencoder.encode``.
    """
    batches = outputs.split(batch_size)
    return torch.cat([one_number_a_unit(scores(batch.float()), pool) for batch in batches])


# -------------------- the autoencoder


@dataclass(frozen=True)
class Recipe:
    """How an autoencoder is trained.

    Raises:
        UserError: for numbers that make no autoencoder.
    """

    features: int = 512  # F, of the dictionary
    active: int = 16  # k, of each row
    steps: int = 800
    batch_size: int = 256
    learning_rate: float = 2e-3  # of Adam; falls linearly to 0 over the last fifth
    dead_after: int = 20_000  # rows without being active
    # dead features that explain what is left of a row; None: half of its width, as in the paper
    revived: int | None = None
    revival: float = 1 / 32  # weight of their loss
    seed: int = 0

    def __post_init__(self):
        whole = ("features", "active", "steps", "batch_size", "dead_after", "revived")
        for name in whole:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f"{name} must be a whole number from 1 up, not {value!r}")
        if self.active > self.features:
            raise UserError(f"{self.active} of {self.features} features cannot be active")
        if not (self.learning_rate > 0 and self.revival >= 0):
            raise UserError("learning_rate must be above 0, and revival no less than 0")


class SparseAutoencoder(nn.Module):
    """F features of vectors with W numbers; see the head of this module."""

    scale: Tensor

    def __init__(self, width: int, features: int, active: int):
        super().__init__()
        self.active = active
        self.encoder = nn.Parameter(torch.empty(features, width))
        self.threshold = nn.Parameter(torch.zeros(features))  # c
        self.decoder = nn.Parameter(torch.empty(features, width))  # its rows have length 1
        self.centre = nn.Parameter(torch.zeros(width))  # b
        # rows are divided by it first, so that one recipe fits every layer
        self.register_buffer("scale", torch.ones(()))

    @property
    def width(self) -> int:
        return self.decoder.shape[1]

    @property
    def features(self) -> int:
        return self.decoder.shape[0]

    def start(self, rows: Float[Tensor, "R W"], seed: int = 0) -> "SparseAutoencoder":
        """Start from random directions, encoder and decoder alike, around the mean of the rows."""
        with torch.no_grad():
            random = torch.randn(self.decoder.shape, generator=torch.Generator().manual_seed(seed))
            self.decoder.copy_(F.normalize(random, dim=1))
            self.encoder.copy_(self.decoder)
            self.scale.copy_((rows - rows.mean(0)).pow(2).mean().sqrt().clamp(min=1e-8))
            self.centre.copy_(rows.mean(0) / self.scale)
        return self

    def wanted(self, rows: Float[Tensor, "*R W"]) -> Float[Tensor, "*R F"]:
        """Compute every feature before activation, when all but the largest are not yet dropped."""
        return F.linear(rows / self.scale - self.centre, self.encoder, self.threshold)

    def encode(self, rows: Float[Tensor, "*R W"]) -> Float[Tensor, "*R F"]:
        """Compute the activations z: at most k of each row are above zero, the others zero."""
        return largest(self.wanted(rows), self.active)

    def decode(self, activations: Float[Tensor, "*R F"]) -> Float[Tensor, "*R W"]:
        return (activations @ self.decoder + self.centre) * self.scale

    def forward(self, rows: Float[Tensor, "*R W"]) -> Float[Tensor, "*R W"]:
        return self.decode(self.encode(rows))

    @torch.no_grad()
    def edit(
        self, rows: Float[Tensor, "*R W"], change: Callable[[Tensor], Tensor]
    ) -> Float[Tensor, "*R W"]:
        """Apply ``change`` to the rows' activations (*R, F), and return the changed rows.

        What the autoencoder does not explain stays as it is.
        """
        activations = self.encode(rows)
        return rows + (change(activations) - activations) @ self.decoder * self.scale


def largest(values: Float[Tensor, "*R F"], k: int) -> Float[Tensor, "*R F"]:
    """Keep the k largest of each row where they are above zero; zero elsewhere."""
    top = values.topk(k, dim=-1, sorted=False)
    return torch.zeros_like(values).scatter(-1, top.indices, top.values.relu())


# -------------------- training


@dataclass
class Trained:
    """An autoencoder with how its training went."""

    autoencoder: SparseAutoencoder
    losses: list[float]  # of every step: share of the variance that is not explained
    dead: int  # features that were not active for ``dead_after`` rows in the end
    seconds: float


def train_autoencoder(
    rows: Float[Tensor, "R W"], recipe: Recipe = Recipe(), progress: bool = True
) -> Trained:
    """Train on rows in a random order, again and again until the steps are done.

    Raises:
        UserError: for no rows, or rows that are all alike or not finite.
    """
    began = time.perf_counter()
    trainer, steps = begin_training(rows, recipe)
    losses = [next(steps) for _ in shown(range(recipe.steps), "sparse autoencoder", progress)]
    autoencoder, dead = trainer.autoencoder.requires_grad_(False), int(trainer.dead.sum())
    return Trained(autoencoder, losses, dead, time.perf_counter() - began)


def begin_training(
    rows: Float[Tensor, "R W"], recipe: Recipe = Recipe()
) -> tuple["Trainer", Iterator[float]]:
    """Give a trainer at its start and its steps, each of which is taken when its loss is asked for.

    Raises:
        UserError: for no rows, or rows that are all alike or not finite.
    """
    if not len(rows) or not bool(torch.isfinite(rows).all()) or float(rows.std(0).max()) == 0:
        raise UserError("an autoencoder needs finite rows that differ from each other")
    autoencoder = SparseAutoencoder(rows.shape[1], recipe.features, recipe.active)
    trainer = Trainer(autoencoder.start(rows, recipe.seed), recipe)
    batches = batches_of(len(rows), recipe)
    return trainer, (trainer.step(rows[next(batches)]) for _ in range(recipe.steps))


def batches_of(count: int, recipe: Recipe) -> Iterator[Tensor]:
    """Yield row numbers, batch by batch without end; each pass over the rows has its own order."""
    generator = torch.Generator().manual_seed(recipe.seed)
    while True:
        order = torch.randperm(count, generator=generator)
        yield from order.split(recipe.batch_size)


class Trainer:
    """Adam on the loss of Gao et al. 2024, with directions kept at length one."""

    def __init__(self, autoencoder: SparseAutoencoder, recipe: Recipe):
        self.autoencoder, self.recipe = autoencoder, recipe
        self.adam = torch.optim.Adam(autoencoder.parameters(), recipe.learning_rate)
        self.silent = torch.zeros(autoencoder.features, dtype=torch.int64)  # rows since active
        self.steps = 0

    @property
    def dead(self) -> Tensor:
        return self.silent >= self.recipe.dead_after

    def step(self, rows: Float[Tensor, "B W"]) -> float:
        """Train one step; give the share of the variance that was not explained before it."""
        self.adam.param_groups[0]["lr"] = self.rate()
        error, wanted, active = self.errors(rows)
        loss = error.pow(2).mean() + self.recipe.revival * self.left_over(error, wanted)
        self.adam.zero_grad()
        loss.backward()
        across(self.autoencoder.decoder)
        self.adam.step()
        with torch.no_grad():
            self.autoencoder.decoder.copy_(F.normalize(self.autoencoder.decoder, dim=1))
        self.silent = torch.where(active, 0, self.silent + len(rows))
        self.steps += 1
        return float(error.detach().pow(2).mean())

    def rate(self) -> float:
        left = 1 - self.steps / self.recipe.steps
        return self.recipe.learning_rate * min(1.0, 5 * left)

    def errors(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compute the reconstruction error of the rows.

        It gives (what is not explained, the wanted activations, which features were active).
        """
        ours = self.autoencoder
        wanted = ours.wanted(rows)
        activations = largest(wanted, ours.active)
        error = rows / ours.scale - ours.centre - activations @ ours.decoder
        return error, wanted, (activations > 0).any(0)

    def left_over(self, error: Tensor, wanted: Tensor) -> Tensor:
        """Compute AuxK: the share of the error that the most wanted dead features leave over."""
        dead = self.dead.nonzero()[:, 0]
        if not len(dead):
            return error.new_zeros(())
        count = min(self.recipe.revived or self.autoencoder.width // 2 or 1, len(dead))
        explained = largest(wanted[:, dead], count) @ self.autoencoder.decoder[dead]
        target = error.detach()
        return (target - explained).pow(2).mean() / target.pow(2).mean().clamp(min=1e-12)


def across(directions: nn.Parameter) -> None:
    """Take out of the gradient what would only change a direction's length."""
    gradient = directions.grad
    assert gradient is not None, "after a backward pass"
    along = (gradient * directions.data).sum(1, keepdim=True)
    directions.grad = gradient - along * directions.data


# -------------------- what features answer


def check_width(autoencoder: SparseAutoencoder, width: int, layer: str) -> None:
    if width != autoencoder.width:
        raise UserError(
            f"{layer} has {width} numbers and the autoencoder {autoencoder.width}: it was trained "
            "on another layer or model"
        )


@torch.no_grad()
def explained(autoencoder: SparseAutoencoder, rows: Float[Tensor, "R W"]) -> float:
    """Compute the share of the rows' variance that the autoencoder explains."""
    error = (rows - autoencoder(rows)).pow(2).sum()
    return float(1 - error / (rows - rows.mean(0)).pow(2).sum())


def nearest_texts(
    autoencoder: SparseAutoencoder, text_features: Float[Tensor, "T W"], count: int = 3
) -> list[list[int]]:
    """Find the texts whose direction is nearest to that of each feature of the joint space.

    Texts lie in another place than pictures (the modality gap), so their mean is taken out first.
    """
    centred = F.normalize(text_features - text_features.mean(0), dim=1)
    return (autoencoder.decoder @ centred.T).topk(min(count, len(centred))).indices.tolist()


# -------------------- on disk


@dataclass
class About:
    """What stands beside an autoencoder's weights."""

    model: str
    fingerprint: str  # of the model
    layer: str
    recipe: dict = field(default_factory=dict)
    metrics: dict = field(default_factory=dict)


def save_autoencoder(folder: str | Path, autoencoder: SparseAutoencoder, about: About) -> None:
    """Write the weights and a JSON file beside them, whole or not at all."""
    sizes = {"width": autoencoder.width, "features": autoencoder.features}
    settings = asdict(about) | sizes | {"active": autoencoder.active}
    with atomic_folder(Path(folder)) as part:
        tensors = {name: each.contiguous() for name, each in autoencoder.state_dict().items()}
        save_file(tensors, part / WEIGHTS)
        (part / SIDECAR).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")


def load_autoencoder(folder: str | Path) -> tuple[SparseAutoencoder, About]:
    """Load what ``save_autoencoder`` wrote.

    Raises:
        UserError: for a folder without an autoencoder, or with files that do not fit each other.
    """
    folder = Path(folder)
    try:
        about = json.loads((folder / SIDECAR).read_text(encoding="utf-8"))
        sizes = [int(about.pop(name)) for name in ("width", "features", "active")]
        tensors = load_file(folder / WEIGHTS)
        autoencoder = SparseAutoencoder(*sizes)
        autoencoder.load_state_dict(tensors)
        return autoencoder.requires_grad_(False), About(**about)
    except FileNotFoundError:
        raise UserError(f"{folder} holds no sparse autoencoder ({WEIGHTS}, {SIDECAR})") from None
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise UserError(
            f"{folder}: the autoencoder's files are damaged ({first_line(error)})"
        ) from None

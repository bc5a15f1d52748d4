"""Train a CLIP, or a rival of it: batch, features, loss, backward, clip, step, clamp, report.

The loop runs in the foreground for scripts and in a thread for widgets. It reports plain dicts to
callbacks and can be stopped after any step; what it needs to go on is in its newest checkpoint. A
batch that does not fit is encoded in micro-batches (``gradient_cache``), and several processes
share one (``distributed``): the loss is always that of the whole batch.
"""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from clipbench.compute import distributed
from clipbench.compute.devices import pick_device, pick_precision, use_fastest_threads
from clipbench.compute.flops import peak_tflops
from clipbench.compute.precision import DTYPES
from clipbench.data.streams import DrawnPairs, Pairs, PairStream, joined
from clipbench.errors import UserError
from clipbench.files import written_whole
from clipbench.model import CLIP, TextTransformer, VisionTransformer
from clipbench.objectives import Contrastive, check_objective, make_objective
from clipbench.preprocess import Preprocess
from clipbench.pretrained.checkpoint import forget_old, newest_intact, step_folder
from clipbench.tokenizer import Tokenizer
from clipbench.training.ema import Averaged
from clipbench.training.gradient_cache import cached_backward, refuse_batch_statistics
from clipbench.training.guards import batch_statistics, put_back, stopped_by_signals, stuck_loss
from clipbench.training.muon import Muon
from clipbench.training.run_lock import locked
from clipbench.training.run_state import (
    differences,
    newest_to_resume,
    restore,
    restore_weights,
    write_state,
)

Event = dict[str, object]
BAD_IN_A_ROW = 3  # so many bad batches and the run goes back to its newest checkpoint ...
MOST_RESTORES = 3  # ... so many times at most
SAVING_SHARE = 0.02  # of the run's time at most, however large the model


@dataclass(frozen=True)
class TrainConfig:
    """The recipe. Either ``minutes`` or ``pairs`` is the budget; the learning rate falls to zero at
    its end.

    A picture counts as one pair, however many captions it has.
    """

    objective: str = "contrastive"  # what is asked of a batch: see clipbench.objectives
    batch_size: int = 128
    minutes: float | None = None
    pairs: int | None = None
    matrix_learning_rate: float = 0.02  # Muon's, for weight matrices; 0 gives them to AdamW
    # AdamW's, for projections, gains, biases, positions and the temperature
    learning_rate: float = 2e-3
    embedding_learning_rate: float = 1e-2  # AdamW's, for word vectors
    weight_decay: float = 0.05  # AdamW's, never on gains and biases
    betas: tuple[float, float] = (0.9, 0.98)
    warmup: float = 0.06  # fraction of the budget
    # last fraction of the budget, before which rates stay at their peak; 0: half a cosine
    linear_fall: float = 0.0
    clip_norm: float = 1.0
    bag_of_words_start: bool = True  # see start_as_bag_of_words
    patch_dropout: float = 0.0  # of a ViT's patches, until patch_dropout_until
    # fraction of the budget; the rest is trained on whole pictures
    patch_dropout_until: float = 0.75
    # keep an encoder and its projection as they are (LiT, Zhai et al. 2022)
    lock_image: bool = False
    lock_text: bool = False
    # decay of the weights' moving average, which is then what is saved and evaluated
    averaging: float = 0.0
    save_minutes: float = 1.0  # a notebook server that is culled gives no warning
    keep_checkpoints: int = 2  # the newest ones; the best one is kept besides

    def __post_init__(self):
        object.__setattr__(self, "betas", tuple(self.betas))
        check_objective(self.objective)
        numbers = {name: value for name, value in asdict(self).items() if name != "objective"}
        for name, value in {**numbers, "betas": min(self.betas)}.items():
            if value is not None and not (
                isinstance(value, (int, float)) and 0 <= value < math.inf
            ):
                raise UserError(f"{name} must be a number from 0 up, not {value!r}")
        if self.batch_size < 2:
            raise UserError(
                "batch size must be at least 2: a contrastive loss needs something to contrast with"
            )
        if (self.minutes is None) == (self.pairs is None):
            raise UserError("give either minutes or pairs as the training budget")
        if (self.minutes or self.pairs) <= 0:
            raise UserError("the training budget must be more than nothing")
        if self.averaging and self.objective != Contrastive.name:
            raise UserError(
                "weights can be averaged for the contrastive objective only, not for "
                f"{self.objective}"
            )
        if self.linear_fall > 1:
            raise UserError("linear_fall is a fraction of the budget: at most 1")
        if self.averaging >= 1:
            raise UserError(
                "averaging must be less than 1: it is the share of the old average that is kept"
            )


@torch.no_grad()
def start_as_bag_of_words(model: CLIP) -> None:
    """Let the text transformer begin as a mean of word vectors: attention near uniform, its values
    passed on unchanged.

    From the paper's initial weights the words reach the end-of-text token through random matrices,
    and a small model spends its first minutes learning to let them pass (EXPERIMENTS.md). Only
    initial weights change.
    """
    if not isinstance(model.text_encoder, TextTransformer):
        return
    for block in model.text_encoder.blocks:
        W = block.attention.out_proj.in_features
        block.attention.in_proj.weight[: 2 * W] *= 0.1
        for matrix in (block.attention.in_proj.weight[2 * W :], block.attention.out_proj.weight):
            matrix.copy_(0.7 * torch.eye(W) + 0.03 * torch.randn(W, W))


def locked_parts(model: CLIP, config: TrainConfig) -> list[torch.nn.Module]:
    """The encoders and projections that the recipe does not train."""
    image, text = (
        [model.image_encoder, model.image_projection],
        [model.text_encoder, model.text_projection],
    )
    return [*(image if config.lock_image else []), *(text if config.lock_text else [])]


def recompute_activations(model: CLIP) -> None:
    """Keep no activations inside transformer blocks: they are computed again in the backward pass
    (Chen et al. 2016).

    Raises:
        UserError: for a model without transformer blocks.
    """
    both = (model.image_encoder, model.text_encoder)
    encoders = [
        encoder for encoder in both if isinstance(encoder, (VisionTransformer, TextTransformer))
    ]
    if not encoders:
        raise UserError(
            "only transformer blocks can be recomputed, and this model has none; use "
            "--micro-batch instead"
        )
    for encoder in encoders:
        encoder.recompute = True


def make_optimizers(
    model: CLIP,
    config: TrainConfig,
    whole: torch.nn.Module | None = None,
    dtype: torch.dtype | None = None,
) -> list[torch.optim.Optimizer]:
    """Muon for the encoders' matrices, AdamW for everything else; no decay on gains, biases and the
    temperature.

    Args:
        whole: the objective around the model, whose own weights AdamW gets too.
        dtype: what Muon multiplies in; None means the weights' own.
    """
    words = [model.text_encoder.token_embedding.weight]
    inside = [
        weight
        for encoder in (model.image_encoder, model.text_encoder)
        for name, weight in encoder.named_parameters()
        if weight.ndim >= 2 and "embedding" not in name and "positions" not in name
    ]
    matrices = inside if config.matrix_learning_rate else []
    words, matrices = (
        [weight for weight in group if weight.requires_grad] for group in (words, matrices)
    )
    known = {id(weight) for weight in matrices + words}
    others = [
        weight
        for weight in (whole or model).parameters()
        if weight.requires_grad and id(weight) not in known
    ]
    groups = [
        {"params": words, "lr": config.embedding_learning_rate, "weight_decay": 0.0},
        {"params": [w for w in others if w.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [w for w in others if w.ndim < 2], "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas, fused=True)
    muon = [Muon(matrices, lr=config.matrix_learning_rate, dtype=dtype)] if matrices else []
    optimizers = [*muon, adamw]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
    return optimizers


def learning_rate_factor(progress: float, warmup: float, linear_fall: float = 0.0) -> float:
    """Linear warm-up, then a half cosine to zero, or a straight line in the last ``linear_fall`` of
    the budget.

    ``progress`` and both fractions are in [0, 1].
    """
    progress = min(progress, 1.0)
    falling = (
        min(1.0, (1 - progress) / linear_fall)
        if linear_fall
        else 0.5 * (1 + math.cos(math.pi * progress))
    )
    return min(1.0, progress / warmup if warmup else 1.0) * falling


class Trainer:
    """One training run.

    Args:
        stream: gives the pairs of any position; the run's only data. Scenes are drawn where the
            model is trained.
        out: folder for checkpoints; None keeps nothing on the disk.
        device: "auto" takes CUDA, then Apple's MPS, then the CPU.
        callbacks: called with every event, a dict with ``event`` in {"start", "step", "saved", "not
            saved", "skipped", "restored", "unreadable", "hint", "end"}.
        threads: intra-op threads on a CPU; None measures which number is fastest.
        evaluate: called with the model before each save; the checkpoint with the largest value is
            kept as the best. Without it that is the one with the lowest smoothed loss.
        micro_batch: how many pairs are encoded at a time; None encodes the whole batch at once.
        recompute: whether transformer blocks keep no activations (a third slower, much less
            memory).
        compile: whether the model runs through ``torch.compile`` (the first step then takes a
            minute or two).

    Raises:
        UserError: for a model that cannot be trained so (BatchNorm in micro-batches or in several
            processes), and a batch that the processes cannot share evenly.
    """

    def __init__(
        self,
        model: CLIP,
        tokenizer: Tokenizer,
        preprocess: Preprocess,
        stream: PairStream,
        config: TrainConfig,
        out: str | Path | None = None,
        device: torch.device | str = "auto",
        precision: str | None = None,
        threads: int | None = None,
        callbacks: Sequence[Callable[[Event], None]] = (),
        evaluate: Callable[[CLIP], float] | None = None,
        micro_batch: int | None = None,
        recompute: bool = False,
        compile: bool = False,
    ):
        self.device = pick_device(device)
        self.model = model.to(self.device, memory_format=torch.channels_last)
        self.tokenizer, self.preprocess, self.config = tokenizer, preprocess, config
        self.stream = stream.on(self.device) if isinstance(stream, DrawnPairs) else stream
        self.out = Path(out) if out else None
        self.precision = precision or pick_precision(self.device)
        self.threads = threads
        self.callbacks = list(callbacks)
        for part in locked_parts(self.model, config):
            part.requires_grad_(False)
        dtype = torch.bfloat16 if self.precision == "bf16" else torch.float32  # of large products
        self.objective = make_objective(
            config.objective, self.model, getattr(stream, "class_names", None), dtype
        )
        self.objective.to(self.device)
        self.averaged = Averaged(self.model, config.averaging) if config.averaging else None
        if recompute:
            recompute_activations(self.model)
        self.optimizers = make_optimizers(self.model, config, self.objective, dtype)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")
        self.evaluate = evaluate
        self.step = self.pairs_seen = self.skipped = self.restores = self.unreadable = 0
        self.smoothed_loss: float | None = None  # over the last 50 steps or so
        self.rate_factor = 1.0  # halved whenever the run had to go back
        # the numbers of the checkpoint that the run was resumed from
        self.resumed_state: dict | None = None
        self.saving_seconds = 0.0  # of the last save
        self.seconds = 0.0  # spent training, over all sessions of the run
        self.stopping = threading.Event()
        self.local_batch = distributed.share_of(config.batch_size)
        self.micro_batch = min(micro_batch or self.local_batch, self.local_batch)
        if self.micro_batch < self.local_batch:
            refuse_batch_statistics(self.model, "--micro-batch")
        self.parallel = self.objective
        if distributed.world_size() > 1:
            refuse_batch_statistics(self.model, "several processes")
            if config.objective != Contrastive.name:
                raise UserError(
                    "several processes train the contrastive objective only, not "
                    f"{config.objective}"
                )
            self.parallel = distributed.parallel(self.objective, self.device)
        if compile:
            self.parallel = torch.compile(self.parallel)

    # -------------------- the loop

    def run(self) -> Event:
        """Train until the budget is used, ``stop`` is called or the process is asked to end;
        returns the last event.

        Raises:
            UserError: when another process trains in the same folder, or the run cannot go on.
        """
        with locked(self.out if distributed.is_writer() else None), stopped_by_signals(self.stop):
            self.set_training()
            if self.device.type == "cpu":
                torch.set_num_threads(
                    self.threads or distributed.share_of_cores() or self.use_fastest_threads()
                )
            self.emit(
                "start",
                threads=torch.get_num_threads(),
                precision=self.precision,
                device=str(self.device),
                parameters=sum(weight.numel() for weight in self.objective.parameters()),
                differences=differences(self),
            )
            last_save = time.monotonic()
            while self.progress < 1 and not self.stopping.is_set():
                self.timed_step()
                if time.monotonic() - last_save > max(
                    60 * self.config.save_minutes, self.least_between_saves
                ):
                    self.try_to_save()
                    last_save = time.monotonic()
            self.objective.eval()
            if self.step:
                self.save()
            return self.emit("end", finished=self.progress >= 1)

    def set_training(self) -> None:
        """Training mode, but for encoders that are locked: nothing of theirs is dropped, and no
        statistics move.
        """
        self.objective.train()
        for part in locked_parts(self.model, self.config):
            part.eval()

    def timed_step(self) -> None:
        began = time.monotonic()
        metrics = self.train_step()
        seconds = time.monotonic() - began
        self.seconds += seconds
        self.agree()
        self.emit("step", **metrics, **self.speed(seconds))
        if hint := stuck_loss(
            self.step, self.smoothed_loss, self.objective.guessing(self.config.batch_size)
        ):
            self.emit("hint", text=hint)

    @property
    def least_between_saves(self) -> float:
        """Seconds, so that saving a large model takes no more than its share; save_minutes = 0
        means every step.
        """
        return self.saving_seconds / SAVING_SHARE if self.config.save_minutes else 0.0

    def speed(self, seconds: float) -> dict[str, float]:
        """Pairs and model operations of the last step per second, of all processes; MFU where
        the card is known.
        """
        rate = self.config.batch_size / seconds
        tflops = rate * self.flops_per_pair / 1e12
        card = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "no card"
        peak = peak_tflops(card, self.precision)
        mfu = {"mfu": tflops / peak / distributed.world_size()} if peak else {}
        return {"pairs_per_second": rate, "tflops": tflops, **mfu}

    def agree(self) -> None:
        """All processes go by the first one's clock, and stop together."""
        if distributed.world_size() > 1:
            (self.seconds,) = distributed.first_process_says(self.seconds)
            if distributed.anyone(self.stopping.is_set()):
                self.stopping.set()

    def train_step(self) -> dict[str, float]:
        batch = self.draw()
        self.report_unreadable()
        images = batch.images.to(self.device)
        targets = self.objective.targets(batch, self.tokenizer).to(self.device)
        rate = self.set_learning_rate()
        self.set_patch_dropout()
        kept = 1 - getattr(self.model.image_encoder, "patch_dropout", 0.0)
        self.flops_per_pair = self.objective.flops(targets, kept)
        statistics = batch_statistics(self.model)
        loss, answers = self.backward(images, targets)
        for optimizer in self.optimizers:
            self.scaler.unscale_(optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.objective.parameters(), self.config.clip_norm)
        finite = bool(torch.isfinite(norm) & torch.isfinite(loss))
        if not finite:
            put_back(statistics)
        self.update_weights(finite)
        self.step += 1
        self.pairs_seen += self.config.batch_size
        if finite:
            self.note_loss(float(loss))
        return {
            "loss": float(loss),
            "batch_accuracy": self.objective.accuracy(*answers),
            "scale": float(self.model.scale.detach()),
            "learning_rate": rate,
            "gradient_norm": float(norm),
        }

    @property
    def first_pair(self) -> int:
        """The position in the stream where this process's part of the batch begins."""
        return self.pairs_seen + distributed.rank() * self.local_batch

    def draw(self) -> Pairs:
        """This process's pairs, drawn in micro-batches: a stream of scenes needs memory for
        what it draws at a time.
        """
        starts = range(0, self.local_batch, self.micro_batch)
        parts = [
            self.stream(self.first_pair + k, min(self.micro_batch, self.local_batch - k))
            for k in starts
        ]
        if len(parts) == 1:
            return parts[0]
        return joined(parts)

    def set_patch_dropout(self) -> None:
        if isinstance(self.model.image_encoder, VisionTransformer):
            early = self.progress < self.config.patch_dropout_until
            self.model.image_encoder.patch_dropout = self.config.patch_dropout if early else 0.0
        # what is dropped depends on the position only, so a run can be resumed
        torch.manual_seed(self.first_pair)

    def backward(self, images: torch.Tensor, targets: torch.Tensor):
        """Give every weight its gradient; returns (loss of the whole batch, this process's
        outputs).
        """
        if self.micro_batch < self.local_batch:
            exchange_once = getattr(self.parallel, "no_sync", contextlib.nullcontext)
            loss, answers = cached_backward(
                self.encode,
                self.compare,
                images,
                targets,
                self.micro_batch,
                self.backward_from,
                exchange_once,
            )
        else:
            loss, answers = self.loss(images, targets)
            self.backward_from(loss)
        return distributed.summed(loss.detach()), answers

    def backward_from(self, loss: torch.Tensor) -> None:
        """Backward; the processes' gradients are averaged where their sum is wanted, so their
        number comes in here.
        """
        self.scaler.scale(loss * distributed.world_size()).backward()

    def loss(self, images: torch.Tensor, targets: torch.Tensor):
        """(loss, the objective's answers); of several processes, this one's share of the loss."""
        answers = self.encode(images, targets)
        return self.compare(*answers), tuple(answer.detach() for answer in answers)

    def encode(self, images: torch.Tensor, targets: torch.Tensor):
        """The objective's answers to pixels in 0 to 255, such as (image_features,
        text_features, scale), in float32.
        """
        with self.computing():
            return self.parallel(self.pixels(images), targets)

    def pixels(self, images: torch.Tensor) -> torch.Tensor:
        """Images of 0 to 255, (B, 3, S, S), as the image encoder reads them."""
        return self.preprocess.normalise(images).contiguous(memory_format=torch.channels_last)

    def computing(self) -> torch.autocast:
        """The context in which encoders compute in this trainer's precision."""
        return torch.autocast(
            self.device.type, dtype=DTYPES[self.precision], enabled=self.precision != "fp32"
        )

    def compare(self, *answers: torch.Tensor) -> torch.Tensor:
        """The loss of the whole batch."""
        return self.objective.compare(*answers)

    def update_weights(self, finite: bool) -> None:
        """Step the optimisers, unless a number is not finite: then the batch is skipped and
        counted.
        """
        if finite:
            for optimizer in self.optimizers:
                self.scaler.step(optimizer)
            self.model.clamp_logit_scale()
            if self.averaged:
                self.averaged.update(self.model)
        self.scaler.update()  # fp16: a smaller factor after an overflow
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        self.skipped = 0 if finite else self.skipped + 1
        if not finite:
            self.emit("skipped", in_a_row=self.skipped)
        # usual in fp16 until the factor fits
        overflows = self.scaler.is_enabled() and self.scaler.get_scale() > 1
        if self.skipped >= BAD_IN_A_ROW and not overflows:
            self.go_back()

    def go_back(self) -> None:
        """Take the weights and optimisers of the newest checkpoint and half the learning rate; the
        data go on.

        Raises:
            UserError: when that did not help several times.
        """
        if self.restores == MOST_RESTORES:
            raise UserError(
                f"the loss was not finite {BAD_IN_A_ROW} times in a row again, after "
                f"{MOST_RESTORES} restarts at half "
                "the learning rate; train with a much lower learning_rate, and look "
                "for broken pictures in the data"
            )
        folder = newest_intact(self.out) if self.out else None
        if folder is not None:
            restore_weights(self, folder)
        self.restores += 1
        self.rate_factor /= 2
        self.skipped = 0
        self.emit("restored", folder=folder and str(folder), rate_factor=self.rate_factor)

    def note_loss(self, loss: float) -> None:
        """Keep a running mean of the losses that were finite."""
        before = loss if self.smoothed_loss is None else self.smoothed_loss
        self.smoothed_loss = before + (loss - before) / min(self.step, 50)

    @property
    def progress(self) -> float:
        """How much of the budget is used, in [0, 1]."""
        if self.config.pairs is not None:
            return self.pairs_seen / self.config.pairs
        return self.seconds / (60 * self.config.minutes)

    def set_learning_rate(self) -> float:
        """Set every group's rate for this step; returns AdamW's."""
        # a budget in pairs counts this batch as half done, so that the first step is not lost to a
        # rate of zero
        half = self.config.batch_size / 2 / self.config.pairs if self.config.pairs else 0.0
        factor = self.rate_factor * learning_rate_factor(
            max(self.progress + half, 1e-3), self.config.warmup, self.config.linear_fall
        )
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak_lr"] * factor
        return self.config.learning_rate * factor

    def use_fastest_threads(self) -> int:
        """Measure a forward and backward pass with each number of threads that the machine
        allows.
        """
        batch = self.stream(self.first_pair, max(2, self.micro_batch))
        images, targets = batch.images, self.objective.targets(batch, self.tokenizer)
        statistics = {name: buffer.clone() for name, buffer in self.model.named_buffers()}
        fastest = use_fastest_threads(lambda: self.loss(images, targets)[0].backward())
        self.objective.zero_grad(set_to_none=True)
        for name, buffer in self.model.named_buffers():  # batch norm counted the trial batches
            buffer.copy_(statistics[name])
        return fastest

    def emit(self, event: str, **data) -> Event:
        report = {
            "event": event,
            "step": self.step,
            "pairs": self.pairs_seen,
            "seconds": self.seconds,
            "progress": min(1.0, self.progress),
            **data,
        }
        if distributed.is_writer():
            for callback in self.callbacks:
                callback(report)
        return report

    def report_unreadable(self) -> None:
        """An event for every sample that the stream could not read since the last step."""
        unreadable = getattr(self.stream, "unreadable", None)
        for name, reason in (
            list(unreadable.reasons.items())[self.unreadable :] if unreadable else ()
        ):
            self.unreadable += 1
            self.emit("unreadable", sample=name, reason=reason, so_far=self.unreadable)

    def stop(self) -> None:
        """Ask the run to end after the current step, with a checkpoint."""
        self.stopping.set()

    # -------------------- checkpoints

    def save(self) -> None:
        if self.out is None or not distributed.is_writer():
            return
        began, folder = time.monotonic(), step_folder(self.out, self.step)
        score = self.score()
        with written_whole(folder) as part:
            write_state(self, part, score)
        forget_old(self.out, self.config.keep_checkpoints)
        self.saving_seconds = time.monotonic() - began
        self.emit("saved", folder=str(folder), score=score)

    def score(self) -> float:
        """How good the model is, larger is better: by ``evaluate``, or else minus the smoothed
        loss.
        """
        if self.evaluate is None:
            return -math.inf if self.smoothed_loss is None else -self.smoothed_loss
        training = self.model.training
        with torch.no_grad():
            score = float(self.evaluate(self.best_model.eval()))
        if training:
            self.set_training()
        return score

    @property
    def best_model(self) -> CLIP:
        """What is saved and evaluated: the average where there is one."""
        return self.averaged.model if self.averaged else self.model

    def try_to_save(self) -> None:
        """Save; if that is impossible (a full disk), say so and train on: the earlier
        checkpoints are still there.
        """
        try:
            self.save()
        except UserError as error:
            self.emit("not saved", reason=str(error))

    def resume(self) -> None:
        """Go on from the newest intact checkpoint in ``out``.

        Raises:
            UserError: when there is none, or it belongs to another model or recipe.
        """
        restore(self, newest_to_resume(self.out))

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
from pathlib import Path
from typing import Any

import torch

from clipbench.compute import distributed
from clipbench.compute.devices import pick_device, pick_precision, use_fastest_threads
from clipbench.compute.flops import peak_tflops
from clipbench.compute.precision import DTYPES, channels_last
from clipbench.data.streams import DrawnPairs, Pairs, PairStream, joined
from clipbench.errors import UserError
from clipbench.files import atomic_folder
from clipbench.model import CLIP, VisionTransformer
from clipbench.objectives import Contrastive, make_objective
from clipbench.pretrained.bundle import ModelBundle
from clipbench.pretrained.checkpoint import forget_old, newest_intact, step_folder
from clipbench.training.ema import EMA
from clipbench.training.gradient_cache import cached_backward, refuse_batch_statistics
from clipbench.training.guards import batch_statistics, put_back, stopped_by_signals, stuck_loss
from clipbench.training.machine import Machine, recompute_activations
from clipbench.training.optimisers import make_optimizers
from clipbench.training.recipe import TrainConfig, learning_rate_factor, locked_parts
from clipbench.training.run_lock import locked
from clipbench.training.run_state import (
    RunState,
    differences,
    newest_to_resume,
    restore,
    restore_weights,
    write_state,
)
from clipbench.training.teacher import load_teacher

Event = dict[str, Any]
BAD_IN_A_ROW = 3  # bad batches after which the run goes back to its newest checkpoint ...
MOST_RESTORES = 3  # ... at most this often
SAVING_SHARE = 0.02  # of the run's time at most, however large the model


class Trainer:
    """One training run.

    Args:
        bundle: the model, which is trained in place, its tokenizer and its preprocessing.
        stream: gives the pairs of any position; the run's only data. Scenes are drawn where the
            model is trained.
        recipe: what is learned, how fast and for how long.
        out: folder for checkpoints; None keeps nothing on the disk.
        machine: where and how a step is computed.
        callbacks: called with every event, a dict with ``event`` in {"start", "step", "saved", "not
            saved", "skipped", "restored", "unreadable", "hint", "end"}.
        evaluate: called with the model before each save; the checkpoint with the largest value is
            kept as the best. Without it that is the one with the lowest smoothed loss.

    Raises:
        UserError: for a model that cannot be trained so (BatchNorm in micro-batches or in several
            processes), and a batch that the processes cannot share evenly.
    """

    def __init__(
        self,
        bundle: ModelBundle,
        stream: PairStream,
        recipe: TrainConfig,
        out: str | Path | None = None,
        *,
        machine: Machine = Machine(),
        callbacks: Sequence[Callable[[Event], None]] = (),
        evaluate: Callable[[CLIP], float] | None = None,
    ):
        model, self.tokenizer, self.preprocess = bundle
        self.device = pick_device(machine.device)
        self.model = channels_last(model.to(self.device))
        self.config = recipe
        self.stream = stream.on(self.device) if isinstance(stream, DrawnPairs) else stream
        self.out = Path(out) if out else None
        self.precision = machine.precision or pick_precision(self.device)
        self.threads = machine.threads
        self.callbacks = list(callbacks)
        for part in locked_parts(self.model, recipe):
            part.requires_grad_(False)
        dtype = torch.bfloat16 if self.precision == "bf16" else torch.float32  # of large products
        self.objective = make_objective(
            recipe.objective,
            self.model,
            getattr(stream, "class_names", None),
            dtype,
            load_teacher(recipe.teacher, bundle) if recipe.teacher else None,
        )
        self.objective.to(self.device)
        self.ema = EMA(self.model, recipe.averaging) if recipe.averaging else None
        if machine.recompute:
            recompute_activations(self.model)
        self.optimizers = make_optimizers(self.model, recipe, self.objective, dtype)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")
        self.evaluate = evaluate
        self.state = RunState()
        self.skipped = self.unreadable = 0  # bad batches in a row; samples that could not be read
        # the numbers of the checkpoint that the run was resumed from
        self.resumed_state: dict | None = None
        self.saving_seconds = 0.0  # of the last save
        self.stopping = threading.Event()
        self.local_batch = distributed.share_of(recipe.batch_size)
        self.micro_batch = min(machine.micro_batch or self.local_batch, self.local_batch)
        if self.micro_batch < self.local_batch:
            refuse_batch_statistics(self.model, "encoding a batch in parts")
        self.parallel: Callable[..., Any] = self.objective
        if distributed.world_size() > 1:
            refuse_batch_statistics(self.model, "several processes")
            if recipe.objective != Contrastive.name:
                raise UserError(
                    "several processes train the contrastive objective only, not "
                    f"{recipe.objective}"
                )
            self.parallel = distributed.parallel(self.objective, self.device)
        if machine.compile:
            self.parallel = torch.compile(self.parallel)

    @property
    def step(self) -> int:
        """How many batches the run has taken."""
        return self.state.step

    @property
    def pairs_seen(self) -> int:
        return self.state.pairs_seen

    @property
    def smoothed_loss(self) -> float | None:
        """The mean loss of the last 50 steps or so."""
        return self.state.smoothed_loss

    # -------------------- the loop

    def run(self) -> Event:
        """Train until the budget is used, ``stop`` is called or the process is asked to end.

        Returns the last event.

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
        """Switch to training mode, but for encoders that are locked.

        In those nothing is dropped, and no statistics move.
        """
        self.objective.train()
        for part in locked_parts(self.model, self.config):
            part.eval()

    def timed_step(self) -> None:
        began = time.monotonic()
        metrics = self.train_step()
        seconds = time.monotonic() - began
        self.state.seconds += seconds
        self.agree()
        self.emit("step", **metrics, **self.speed(seconds))
        if hint := stuck_loss(self.step, self.smoothed_loss, self.chance_loss):
            self.emit("hint", text=hint)

    @property
    def least_between_saves(self) -> float:
        """The least number of seconds between two saves.

        It is such that saving a large model takes no more than its share; save_minutes = 0 means
        every step.
        """
        return self.saving_seconds / SAVING_SHARE if self.config.save_minutes else 0.0

    def speed(self, seconds: float) -> dict[str, float]:
        """Give pairs and model operations per second of the last step, of all processes.

        MFU is added where the card is known.
        """
        rate = self.config.batch_size / seconds
        tflops = rate * self.flops_per_pair / 1e12
        card = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "no card"
        peak = peak_tflops(card, self.precision)
        mfu = {"mfu": tflops / peak / distributed.world_size()} if peak else {}
        return {"pairs_per_second": rate, "tflops": tflops, **mfu}

    def agree(self) -> None:
        """Let all processes go by the first one's clock, and stop together."""
        if distributed.world_size() > 1:
            (self.state.seconds,) = distributed.first_process_says(self.state.seconds)
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
        self.state.step += 1
        self.state.pairs_seen += self.config.batch_size
        if finite:
            self.note_loss(float(loss))
        return {
            "loss": float(loss),
            "batch_accuracy": self.objective.accuracy(*answers),
            **self.logit_numbers(),
            "learning_rate": rate,
            "gradient_norm": float(norm),
        }

    def logit_numbers(self) -> dict[str, float]:
        """Give the learned scale of the cosines, and the bias where the objective has one."""
        bias = self.model.logit_bias
        scale = {"scale": float(self.model.scale.detach())}
        return scale if bias is None else scale | {"bias": float(bias.detach())}

    @property
    def chance_loss(self) -> float:
        """The loss of a model that guesses."""
        return self.objective.chance_loss(self.config.batch_size)

    @property
    def first_pair(self) -> int:
        """The position in the stream where this process's part of the batch begins."""
        return self.pairs_seen + distributed.rank() * self.local_batch

    def draw(self) -> Pairs:
        """Draw this process's pairs, in micro-batches.

        A stream of scenes needs memory for what it draws at a time.
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
        """Give every weight its gradient.

        Returns (loss of the whole batch, this process's outputs).
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
        """Run the backward pass from the loss times the number of processes.

        The processes' gradients are averaged where their sum is wanted, so their number comes in
        here.
        """
        self.scaler.scale(loss * distributed.world_size()).backward()

    def loss(self, images: torch.Tensor, targets: torch.Tensor):
        """Compute (loss, the objective's outputs).

        Of several processes, the loss is this one's share.
        """
        answers = self.encode(images, targets)
        return self.compare(*answers), tuple(answer.detach() for answer in answers)

    def encode(self, images: torch.Tensor, targets: torch.Tensor):
        """Compute the objective's outputs from pixels in 0 to 255, in float32.

        Of the contrastive objective they are (image_features, text_features, scale).
        """
        with self.computing():
            return self.parallel(self.pixels(images), targets)

    def pixels(self, images: torch.Tensor) -> torch.Tensor:
        """Normalise images of 0 to 255, (B, 3, S, S), as the image encoder reads them."""
        return self.preprocess.normalise(images).contiguous(memory_format=torch.channels_last)

    def computing(self) -> torch.autocast:
        """Give the context in which encoders compute in this trainer's precision."""
        return torch.autocast(
            self.device.type, dtype=DTYPES[self.precision], enabled=self.precision != "fp32"
        )

    def compare(self, *answers: torch.Tensor) -> torch.Tensor:
        """Compute the loss of the whole batch from its outputs."""
        return self.objective.compare(*answers)

    def update_weights(self, finite: bool) -> None:
        """Step the optimisers, unless a number is not finite.

        A batch with such a number is skipped and counted.
        """
        if finite:
            for optimizer in self.optimizers:
                self.scaler.step(optimizer)
            self.model.clamp_logit_scale()
            if self.ema:
                self.ema.update(self.model)
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
        """Go back to the newest checkpoint's weights and optimisers, at half the learning rate.

        The data go on.

        Raises:
            UserError: when that did not help several times.
        """
        if self.state.restores == MOST_RESTORES:
            raise UserError(
                f"the loss was not finite {BAD_IN_A_ROW} times in a row again, after "
                f"{MOST_RESTORES} restarts at half "
                "the learning rate; train with a much lower learning_rate, and look "
                "for broken pictures in the data"
            )
        folder = newest_intact(self.out) if self.out else None
        if folder is not None:
            restore_weights(self, folder)
        self.state.restores += 1
        self.state.rate_factor /= 2
        self.skipped = 0
        self.emit("restored", folder=folder and str(folder), rate_factor=self.state.rate_factor)

    def note_loss(self, loss: float) -> None:
        """Keep a running mean of the losses that were finite."""
        before = loss if self.smoothed_loss is None else self.smoothed_loss
        self.state.smoothed_loss = before + (loss - before) / min(self.step, 50)

    @property
    def progress(self) -> float:
        """The share of the budget that is used, in [0, 1]."""
        if self.config.pairs is not None:
            return self.pairs_seen / self.config.pairs
        assert self.config.minutes is not None  # a recipe has one of the two
        return self.state.seconds / (60 * self.config.minutes)

    def set_learning_rate(self) -> float:
        """Set the learning rate of every parameter group for this step; returns AdamW's."""
        # a budget in pairs counts this batch as half done, so that the first step is not lost to a
        # rate of zero
        half = self.config.batch_size / 2 / self.config.pairs if self.config.pairs else 0.0
        factor = self.state.rate_factor * learning_rate_factor(
            max(self.progress + half, 1e-3), self.config.warmup, self.config.linear_fall
        )
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak_lr"] * factor
        return self.config.learning_rate * factor

    def use_fastest_threads(self) -> int:
        """Time a forward and backward pass with each thread count worth trying; keep the fastest.

        Only counts that the machine allows are tried.
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
            "seconds": self.state.seconds,
            "progress": min(1.0, self.progress),
            **data,
        }
        if distributed.is_writer():
            for callback in self.callbacks:
                callback(report)
        return report

    def report_unreadable(self) -> None:
        """Emit an event for every sample that the stream could not read since the last step."""
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
        with atomic_folder(folder) as part:
            write_state(self, part, score)
        forget_old(self.out, self.config.keep_checkpoints)
        self.saving_seconds = time.monotonic() - began
        self.emit("saved", folder=str(folder), score=score)

    def score(self) -> float:
        """Score the model, larger is better: by ``evaluate``, or else minus the smoothed loss."""
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
        """The model that is saved and evaluated: the average where there is one."""
        return self.ema.model if self.ema else self.model

    def try_to_save(self) -> None:
        """Save, or report that saving is impossible (a full disk) and train on.

        The earlier checkpoints are still there then.
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
        if self.out is None:
            raise UserError("a run without a folder has nothing to resume from; give out=FOLDER")
        restore(self, newest_to_resume(self.out))

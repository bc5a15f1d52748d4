"""Benchmarks: what this machine does in a second.

Each is a function of a few named settings to a dict of numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class Benchmark:
    """One of them, by the name of its function, so that a list of all imports none."""

    module: str
    function: str
    about: str  # the summary of the function's docstring

    def load(self) -> Callable[..., dict]:
        return getattr(import_module(self.module), self.function)


BENCHMARKS = {
    "train": Benchmark(
        "clipbench.bench.training",
        "training_step",
        "Pairs per second of a preset, or of one batch against open_clip's training step.",
    ),
    "loss": Benchmark(
        "clipbench.bench.loss",
        "loss_speed",
        "The tiled loss in float32 and bfloat16 beside one that holds all logits, "
        "``naive`` or ``open_clip``'s.",
    ),
    "big-batch": Benchmark(
        "clipbench.bench.training",
        "big_batch",
        "One exact training step on a batch of any size: seconds, and peak memory with "
        "everything that the step needs.",
    ),
    "scenes": Benchmark(
        "clipbench.bench.speed",
        "rendering",
        "Scenes and captions of both worlds per second, on one thread unless told otherwise.",
    ),
    "data": Benchmark(
        "clipbench.bench.reading",
        "reading",
        "Seconds of a training step on real pictures over those on pictures that are "
        "decoded already.",
    ),
    "startup": Benchmark(
        "clipbench.bench.speed",
        "startup",
        "Seconds from the shell to a classified picture, in new processes; the first "
        "has cold caches only by chance.",
    ),
    "probe": Benchmark(
        "clipbench.bench.probe",
        "probing",
        "Seconds for the linear probe's search over C, for each fit certified to a "
        "relative gap of 1e-6.",
    ),
    "probe-parity": Benchmark(
        "clipbench.bench.probe_parity",
        "probe_parity",
        "The probe's optimum beside scikit-learn's, on features of scenes, digits, "
        "pixels and a random ViT-B/32.",
    ),
    "embed": Benchmark(
        "clipbench.bench.embed",
        "embedding",
        "Pictures per second, from files' pixels to unit vectors, beside transformers' defaults.",
    ),
    "widgets": Benchmark(
        "clipbench.bench.widgets",
        "widget_latency",
        "Milliseconds from an event in the page to the kernel's last answer, for every "
        "control of every app.",
    ),
    "voila": Benchmark(
        "clipbench.bench.voila",
        "class_visits",
        "Seconds to the first paint and memory of each visitor of the apps' page, in "
        "turn and at once.",
    ),
    "voila-race": Benchmark(
        "clipbench.bench.voila_race",
        "dead_pages",
        "Pages that a slow network leaves without a kernel, among visits to kernels that have "
        "rested.",
    ),
    "rescore": Benchmark(
        "clipbench.bench.rescore",
        "rescoring",
        "Seconds from an edited template's vectors to top-1 and top-5 with intervals, "
        "float32, products included.",
    ),
    "objectives": Benchmark(
        "clipbench.bench.objectives",
        "efficiency",
        "Zero-shot accuracy against pairs seen, for CLIP's question and the two that "
        "it was tried against (figure 2).",
    ),
    "search": Benchmark(
        "clipbench.bench.search",
        "searching",
        "Milliseconds of an exact search among random unit vectors in float32, for 1, "
        "8, 32 and 256 queries at a time.",
    ),
    "speedrun": Benchmark(
        "clipbench.bench.speedrun",
        "speedrun",
        "Seconds that the tiny preset trains to 90 % of 256 concepts, over n seeds; "
        "open_clip's recipe takes turns.",
    ),
    "scaling": Benchmark(
        "clipbench.bench.scaling",
        "scaling",
        "Zero-shot accuracy of tiny models by width, batch size, learning rate and "
        "objective, after equally many pairs.",
    ),
    "shipped": Benchmark(
        "clipbench.bench.shipped",
        "shipped",
        "Size of a model, and with one thread its load time, memory, and speed with "
        "pictures and texts.",
    ),
}

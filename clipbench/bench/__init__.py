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
        "Time the tiled loss in float32 and bfloat16 beside one that holds all logits.",
    ),
    "big-batch": Benchmark(
        "clipbench.bench.training",
        "big_batch",
        "Time one exact training step on a batch of any size, and measure its peak memory.",
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
        "Time the way from the shell to a classified picture, in new processes.",
    ),
    "probe": Benchmark(
        "clipbench.bench.probe",
        "probing",
        "Time the linear probe's search over C, each fit certified to a relative gap of 1e-6.",
    ),
    "probe-parity": Benchmark(
        "clipbench.bench.probe_parity",
        "probe_parity",
        "Compare the probe's optimum with scikit-learn's on four kinds of features.",
    ),
    "embed": Benchmark(
        "clipbench.bench.embed",
        "embedding",
        "Pictures per second, from files' pixels to unit vectors, beside transformers' defaults.",
    ),
    "widgets": Benchmark(
        "clipbench.bench.widgets",
        "widget_latency",
        "Time every control of every app, from an event in the page to the kernel's last answer.",
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
        "Time the way from an edited template's vectors to top-1 and top-5 with intervals.",
    ),
    "objectives": Benchmark(
        "clipbench.bench.objectives",
        "efficiency",
        "Measure accuracy against pairs seen for CLIP's question and the two before it (figure 2).",
    ),
    "search": Benchmark(
        "clipbench.bench.search",
        "searching",
        "Time an exact search among random unit vectors, for 1 to 256 queries at a time.",
    ),
    "speedrun": Benchmark(
        "clipbench.bench.speedrun",
        "speedrun",
        "Time the tiny preset's training to 90 % of 256 concepts, over several seeds.",
    ),
    "scaling": Benchmark(
        "clipbench.bench.scaling",
        "scaling",
        "Compare tiny models by width, batch size, learning rate and objective at equal pairs.",
    ),
    "shipped": Benchmark(
        "clipbench.bench.shipped",
        "shipped",
        "Measure a model's size and, with one thread, its load time, memory and speed.",
    ),
}

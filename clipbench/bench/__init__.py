"""Benchmarks: what this machine does in a second. Each is a function ``(threads) -> dict`` of named numbers."""

from clipbench.bench.probe import probing
from clipbench.bench.reading import reading
from clipbench.bench.speed import rendering, startup, training

BENCHMARKS = {"train": training, "scenes": rendering, "data": reading, "startup": startup, "probe": probing}

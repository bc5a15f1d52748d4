"""Benchmarks: what this machine does in a second. Each is a function of a few named settings to a dict of numbers."""

from clipbench.bench.embed import embedding
from clipbench.bench.loss import loss_speed
from clipbench.bench.objectives import efficiency
from clipbench.bench.probe import probing
from clipbench.bench.probe_parity import probe_parity
from clipbench.bench.reading import reading
from clipbench.bench.rescore import rescoring
from clipbench.bench.scaling import scaling
from clipbench.bench.search import searching
from clipbench.bench.shipped import shipped
from clipbench.bench.speed import rendering, startup
from clipbench.bench.speedrun import speedrun
from clipbench.bench.training import big_batch, training_step
from clipbench.bench.voila import class_visits
from clipbench.bench.widgets import widget_latency

BENCHMARKS = {
    "train": training_step,
    "loss": loss_speed,
    "big-batch": big_batch,
    "scenes": rendering,
    "data": reading,
    "startup": startup,
    "probe": probing,
    "probe-parity": probe_parity,
    "embed": embedding,
    "widgets": widget_latency,
    "voila": class_visits,
    "rescore": rescoring,
    "objectives": efficiency,
    "search": searching,
    "speedrun": speedrun,
    "scaling": scaling,
    "shipped": shipped,
}

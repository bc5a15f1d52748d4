"""The paper's linear probe: L2 logistic regression on frozen features.

Radford et al. 2021, appendix A.3. The strength C of the fit is chosen on a validation split by
*parametric bisection* over 97 values from 1e-6 to 1e6, eight to a decade: start with 1e-6, 1e-4,
..., 1e6, then halve the spacing around the best until it is one step. The fit with the best C is
repeated on training and validation rows together and measured on test rows that were never used.
The paper used scikit-learn's L-BFGS with at most 1,000 iterations; here every fit is certified
instead (``logistic``). Features are taken as they are, neither scaled nor normalised: the paper
mentions neither.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from clipbench.data.world.draws import Draws
from clipbench.errors import UserError
from clipbench.evaluate.features.compute import check_features
from clipbench.evaluate.probes.logistic import TARGET_GAP, Fit, Problem, check_rows, fit
from clipbench.evaluate.statistics.accuracy import Verdicts, judge

GRID = tuple(10 ** (-6 + step / 8) for step in range(97))
FIRST_SPACING = 16  # steps of the grid between the seven values that the search starts with


@dataclass(frozen=True)
class Rows:
    """Features, on the device where fits are to run, with their labels, on the CPU."""

    features: Float[Tensor, "M W"]
    labels: Int[Tensor, " M"]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, chosen: Tensor) -> "Rows":
        return Rows(self.features[chosen], self.labels[chosen])

    def __add__(self, other: "Rows") -> "Rows":
        return Rows(
            torch.cat([self.features, other.features]), torch.cat([self.labels, other.labels])
        )


@dataclass(frozen=True)
class Probe:
    """A chosen and refitted probe, and how it was chosen."""

    fit: Fit
    accuracies: dict[float, float]  # of each C that was tried, on the validation rows
    worst_gap: float  # of all fits, the search's and the last one
    products: int


def linear_probe(
    train: Rows,
    test: Rows,
    validation: Rows | None = None,
    classes: int | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, float]:
    """Fit a probe by the paper's protocol and measure it.

    Args:
        train: rows to fit; without ``validation`` a stratified fifth of them is set aside for
            choosing C.
        test: rows to measure.
        validation: the data set's own validation rows.
        classes: how many classes there are; default: as many as the labels say.
        progress: called with one line for each fit.

    Returns:
        What ``zero_shot_metrics`` gives (``top1`` with interval, ``top5``, ``mean_per_class``,
        counts), and ``C``, ``validation_top1``, ``gap`` (certified, of the last fit), ``worst_gap``
        (of all fits), ``converged`` (all gaps at most 1e-6), ``fits``, ``train_rows``.

    Raises:
        UserError: for rows that cannot be fitted or measured; see ``choose_probe``.
    """
    return judged_probe(train, test, validation, classes, progress)[0]


def judged_probe(
    train: Rows,
    test: Rows,
    validation: Rows | None = None,
    classes: int | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> tuple[dict[str, float], Verdicts]:
    """Do as ``linear_probe``, and give what the probe said of every test row."""
    check_rows(test.features, test.labels)
    if test.features.shape[1] != train.features.shape[1]:
        widths = train.features.shape[1], test.features.shape[1]
        raise UserError(
            "training features are {} wide but test features {}: use one model for both".format(
                *widths
            )
        )
    classes = classes or int(max(train.labels.max(), test.labels.max())) + 1
    probe = choose_probe(train, validation, classes, progress)
    verdicts = probe_verdicts(probe.fit, test)
    return verdicts.metrics() | {
        "C": probe.fit.C,
        "validation_top1": probe.accuracies[probe.fit.C],
        "gap": probe.fit.gap,
        "worst_gap": probe.worst_gap,
        "converged": probe.worst_gap <= TARGET_GAP,
        "fits": len(probe.accuracies) + 1,
        "train_rows": len(train) + len(validation or ()),
    }, verdicts


def probe_metrics(probe: Fit, test: Rows) -> dict[str, float]:
    """Give what ``zero_shot_metrics`` gives, of a linear classifier with an intercept."""
    return probe_verdicts(probe, test).metrics()


def probe_verdicts(probe: Fit, test: Rows) -> Verdicts:
    """Judge the probe on the test rows.

    The intercept is the weight of a feature that is always 1.
    """
    weights = torch.cat([probe.weights, probe.intercept[None]]).cpu()
    features = F.pad(test.features.to(weights), (0, 1), value=1.0)
    check_features(features, len(weights))
    return judge(lambda rows: features[rows] @ weights, test.labels, weights.shape[1])


def choose_probe(
    train: Rows,
    validation: Rows | None,
    classes: int,
    progress: Callable[[str], None] = lambda line: None,
) -> Probe:
    """Choose C on the validation rows and refit on all.

    Raises:
        UserError: for rows that cannot be fitted, or when a validation split is needed and every
            class has one row.
    """
    everything = train if validation is None else train + validation
    # checks before anything is fitted
    problem = Problem(everything.features, everything.labels, classes)
    if validation is None:
        train, validation = split_validation(train)
    search = Search(Problem(train.features, train.labels, classes), validation, progress)
    best = search.run()
    last = fit(problem, best, start=search.fits[best])
    products = last.products + sum(each.products for each in search.fits.values())
    gaps = [last.gap, *(each.gap for each in search.fits.values())]
    return Probe(last, dict(sorted(search.accuracies.items())), max(gaps), products)


def split_validation(train: Rows, share: float = 0.2, seed: int = 0) -> tuple[Rows, Rows]:
    """Split rows into (training, validation).

    Validation has a share of each class's rows, at least one of every class that has two.

    Raises:
        UserError: when every class has one row only.
    """
    chosen = torch.zeros(len(train), dtype=torch.bool)
    order = Draws(seed, torch.arange(len(train))).bits("validation split").argsort()
    for label in train.labels.unique():
        rows = order[train.labels[order] == label]
        if len(rows) > 1:
            chosen[rows[: max(1, round(share * len(rows)))]] = True
    if not chosen.any():
        raise UserError(
            "every class has one row, none is left to choose C on: give validation "
            "rows or more pictures"
        )
    return train[~chosen], train[chosen]


class Search:
    """Parametric bisection over ``GRID``. Ties go to the smaller C."""

    def __init__(
        self,
        problem: Problem,
        validation: Rows,
        progress: Callable[[str], None] = lambda line: None,
    ):
        check_rows(validation.features, validation.labels)
        self.problem, self.validation, self.progress = problem, validation, progress
        self.fits: dict[float, Fit] = {}
        self.accuracies: dict[float, float] = {}

    def run(self) -> float:
        """Search for the best C."""
        spacing = FIRST_SPACING
        candidates: Sequence[int] = range(0, len(GRID), spacing)
        while True:
            for place in candidates:
                self.try_one(GRID[place])
            best = GRID.index(max(sorted(self.accuracies), key=self.accuracies.__getitem__))
            spacing //= 2
            if not spacing:
                return GRID[best]
            candidates = [
                place for place in (best - spacing, best + spacing) if 0 <= place < len(GRID)
            ]

    def try_one(self, C: float) -> None:
        if C in self.fits:
            return
        nearest = min(
            self.fits,
            key=lambda other: abs(other / C - 1) if other > C else C / other - 1,
            default=None,
        )
        start = None if nearest is None else self.fits[nearest]
        self.fits[C] = fit(self.problem, C, start=start)
        hits = (
            self.fits[C].logits(self.validation.features).argmax(1).cpu() == self.validation.labels
        )
        self.accuracies[C] = float(hits.double().mean())
        self.progress(
            f"C = {C:.3g}: validation {self.accuracies[C]:.4f}, gap {self.fits[C].gap:.0e}"
        )

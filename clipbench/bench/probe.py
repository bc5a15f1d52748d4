"""The seconds of the linear probe's whole search for C, beside scikit-learn's.

scikit-learn runs to the same certified gap in the same run.
"""

import time
import warnings
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file

from clipbench.bench.contest import report
from clipbench.data.world.draws import permutation
from clipbench.errors import UserError
from clipbench.evaluate.probes.linear_probe import Rows, Search, check_rows
from clipbench.evaluate.probes.logistic import TARGET_GAP, Problem, certify, fit, relative_gap

TOLERANCES = tuple(10.0**-k for k in range(4, 15))  # scikit-learn's default is 1e-4
ITERATIONS = 250  # of scikit-learn between two looks at the gap


def probing(
    threads: int | None = None,
    against: str | None = None,
    rows: int = 10_000,
    width: int = 512,
    classes: int = 100,
    features: Path | None = None,
    limit: float = 600.0,
) -> dict:
    """Time the linear probe's search over C, each fit certified to a relative gap of 1e-6.

    Args:
        threads: of torch and of scikit-learn's BLAS; one by default.
        against: "sklearn" times scikit-learn too: after each of our fits, its fit of the same C to
            the same gap.
        rows, width, classes: size of the synthetic training features; a fifth as many rows choose
            C.
        features: a safetensors file with features and labels in their place; a fifth of its rows
            chooses C.
        limit: seconds after which scikit-learn's fit of one C is given up; then its time and the
            ratio are too small.
    """
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(threads or 1)
    train, validation = read_rows(features) if features else synthetic_rows(rows, width, classes)
    with threadpool_limits(threads or 1):
        rival = ScikitLearn(train, limit) if against else None
        race = Race(train, validation, rival)
        best = race.run()
    return {
        "rows": len(train),
        "width": train.features.shape[1],
        "classes": int(train.labels.max()) + 1,
        "threads": threads or 1,
        "fits": len(race.fits),
        "best_C": best,
        "validation_top1": race.accuracies[best],
        "seconds": race.preparation + sum(race.seconds.values()),
        "worst_gap": max(each.gap for each in race.fits.values()),
        "hessian_products": sum(each.products for each in race.fits.values()),
        **(rival.summary(race) if rival else {}),
        "each_C": {f"{C:.3g}": round(seconds, 3) for C, seconds in sorted(race.seconds.items())},
    }


def cone_features(rows: int, width: int, classes: int, seed: int = 0) -> Rows:
    """Draw unit vectors that are distributed like an image encoder's features.

    They have a cone about a common mean, a power-law spectrum and noisy classes.

    Coordinate j of class means and noise has the standard deviation j^-0.6, before a random
    rotation; the noise is six times as wide as the classes are apart, and the common mean has 3.5
    times the length of a typical deviation.
    """
    generator = torch.Generator().manual_seed(seed)
    deviation = torch.arange(1, width + 1, dtype=torch.float64).pow(-0.6)

    def normal(count: int) -> torch.Tensor:
        return torch.randn(count, width, generator=generator, dtype=torch.float64)

    labels = torch.arange(rows) % classes
    centres = 0.5 * normal(classes) * deviation
    rotation = torch.linalg.qr(normal(width)).Q
    common = 3.5 * deviation.norm() * F.normalize(normal(1), dim=1)
    features = (centres[labels] + 3 * normal(rows) * deviation) @ rotation + common
    return Rows(F.normalize(features, dim=1).float(), labels)


def synthetic_rows(rows: int, width: int, classes: int) -> tuple[Rows, Rows]:
    everything = cone_features(rows + max(1, rows // 5), width, classes)
    return everything[torch.arange(rows)], everything[torch.arange(rows, len(everything))]


def read_rows(file: Path) -> tuple[Rows, Rows]:
    """Read (training, validation) rows of a feature file.

    Raises:
        UserError: when the file cannot be read or has no labels.
    """
    try:
        tensors = load_file(file)
    except (OSError, SafetensorError) as error:
        raise UserError(f"cannot read {file}: {error}") from None
    if not {"features", "labels"} <= set(tensors):
        raise UserError(
            f"{file} holds {', '.join(sorted(tensors)) or 'nothing'}: a probe needs "
            "features and labels"
        )
    check_rows(tensors["features"], tensors["labels"])
    order = permutation(0, 0, len(tensors["labels"]))
    everything = Rows(tensors["features"].float()[order], tensors["labels"].long()[order])
    cut = len(everything) * 4 // 5
    return everything[torch.arange(cut)], everything[torch.arange(cut, len(everything))]


class Race(Search):
    """The search for C with a clock, and with a rival that fits each C right after."""

    def __init__(self, train: Rows, validation: Rows, rival: "ScikitLearn | None"):
        began = time.perf_counter()
        super().__init__(Problem(train.features, train.labels), validation)
        self.preparation = time.perf_counter() - began
        self.seconds: dict[float, float] = {}
        self.rival = rival

    def try_one(self, C: float) -> None:
        if C in self.fits:
            return
        began = time.perf_counter()
        super().try_one(C)
        self.seconds[C] = time.perf_counter() - began
        if self.rival:
            self.rival.fit(C, self.problem, self.fits[C])
            theirs = f"{self.rival.seconds[C]:.2f} s to a gap of {self.rival.gaps[C]:.0e}"
            report(f"C = {C:.3g}: {self.seconds[C]:.2f} s; scikit-learn {theirs}")


class ScikitLearn:
    """LogisticRegression in float64, run until it reaches the gap.

    Each C starts from its nearest solution, and the tolerance is lowered until the gap is reached.

    Its gap is measured against a lower bound that our solver certifies to 1e-9, which is not timed,
    nor is the gap.
    """

    def __init__(self, train: Rows, limit: float):
        self.features, self.labels = train.features.double().numpy(), train.labels.numpy()
        self.limit = limit
        self.seconds: dict[float, float] = {}
        self.gaps: dict[float, float] = {}
        self.default_seconds: dict[float, float] = {}  # with its own defaults, from zero
        self.default_gaps: dict[float, float] = {}
        self.solutions: dict[float, tuple] = {}

    def fit(self, C: float, problem: Problem, ours) -> None:
        bound = fit(problem, C, start=ours, target=1e-9).bound
        default, _, self.default_seconds[C] = self.run(C, None, tol=1e-4, max_iter=100)
        self.default_gaps[C] = self.gap(default, problem, C, bound)
        nearest = min(self.solutions, key=lambda other: max(other / C, C / other), default=None)
        solution = None if nearest is None else self.solutions[nearest]
        tolerances = list(TOLERANCES)
        self.seconds[C] = 0.0
        while True:
            solution, iterations, seconds = self.run(C, solution, tolerances[0], ITERATIONS)
            self.seconds[C] += seconds
            self.gaps[C] = self.gap(solution, problem, C, bound)
            if self.gaps[C] <= TARGET_GAP or self.seconds[C] > self.limit or len(tolerances) == 1:
                break
            if iterations < ITERATIONS:
                tolerances.pop(0)
        self.solutions[C] = solution

    def run(
        self, C: float, start: tuple | None, tol: float, max_iter: int
    ) -> tuple[tuple, int, float]:
        """Fit, and return ((coefficients, intercepts), iterations, seconds)."""
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=C, tol=tol, max_iter=max_iter, warm_start=start is not None)
        if start is not None:
            model.coef_, model.intercept_ = start[0].copy(), start[1].copy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the iterations were not enough
            began = time.perf_counter()
            model.fit(self.features, self.labels)
        seconds = time.perf_counter() - began
        return (model.coef_, model.intercept_), int(model.n_iter_[0]), seconds

    def gap(self, solution: tuple, problem: Problem, C: float, bound: float) -> float:
        return relative_gap(self.objective(solution, problem, C), bound)

    def objective(self, solution: tuple, problem: Problem, C: float) -> float:
        weights, intercept = (torch.from_numpy(part) for part in solution)
        if len(weights) == 1:  # two classes
            weights, intercept = (
                torch.cat([-weights, weights]) / 2,
                torch.cat([-intercept, intercept]) / 2,
            )
        return certify(problem, weights.T, intercept, C).objective

    def summary(self, race: Race) -> dict:
        ours, theirs = race.preparation + sum(race.seconds.values()), sum(self.seconds.values())
        return {
            "sklearn_seconds": theirs,
            "sklearn_over_ours": theirs / ours,
            "sklearn_worst_gap": max(self.gaps.values()),
            "sklearn_given_up": sum(gap > TARGET_GAP for gap in self.gaps.values()),
            "sklearn_default_seconds": sum(self.default_seconds.values()),
            "sklearn_default_worst_gap": max(self.default_gaps.values()),
            "sklearn_each_C": {
                f"{C:.3g}": round(seconds, 3) for C, seconds in sorted(self.seconds.items())
            },
        }

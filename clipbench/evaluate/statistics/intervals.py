"""How sure a fraction or a mean is: confidence intervals.

Of a fraction: Wilson's interval, and the exact one of Clopper and Pearson that the paper uses.
Of a mean of a few numbers: Student's.
"""

import math
import statistics
from collections.abc import Sequence
from statistics import NormalDist

KINDS = ("wilson", "clopper-pearson")


def with_interval(
    name: str, hits: int, n: int, level: float = 0.95, kind: str = "wilson"
) -> dict[str, float]:
    """Give a fraction and the ends of its interval, as ``name``, ``name_low``, ``name_high``.

    Args:
        kind: "wilson" (Wilson 1927) has the stated coverage on average; "clopper-pearson" (1934)
            never less than it, and is therefore wider. The paper's tables use the latter at 99.5 %.
    """
    low, high = {"wilson": wilson, "clopper-pearson": clopper_pearson}[kind](hits, n, level)
    return {name: hits / n, f"{name}_low": low, f"{name}_high": high}


def wilson(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Compute Wilson's interval of a fraction.

    It holds the fractions whose normal test at this level does not reject what was seen.
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    p, scale = hits / n, 1 + z * z / n
    centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def clopper_pearson(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Compute the interval of Clopper and Pearson of a fraction.

    It holds the fractions whose two exact binomial tests at this level do not reject what was
    seen.
    """
    from scipy.stats import beta

    tail = (1 - level) / 2
    low = float(beta.ppf(tail, hits, n - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, n - hits)) if hits < n else 1.0
    return low, high


def with_student(name: str, values: Sequence[float]) -> dict[str, float]:
    """Give a mean and, of several values, the ends of Student's interval: name, _low, _high."""
    ends = student(values) or ()
    return {
        name: statistics.fmean(values),
        **dict(zip((f"{name}_low", f"{name}_high"), ends, strict=False)),
    }


def student(values: Sequence[float], level: float = 0.95) -> tuple[float, float] | None:
    """Compute the ends of Student's interval of a mean of a few independent values, such as seeds.

    None for a single one.
    """
    if len(values) < 2:
        return None
    from scipy.stats import t

    half = (
        float(t.ppf((1 + level) / 2, len(values) - 1))
        * statistics.stdev(values)
        / math.sqrt(len(values))
    )
    return statistics.fmean(values) - half, statistics.fmean(values) + half

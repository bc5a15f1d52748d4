"""Metrics for people: fractions as percentages, each with its interval and its chance level."""

import re
from collections.abc import Mapping, Sequence

# what is a fraction, as the evaluations define them; all else is shown as it is
FRACTION = re.compile(
    r"(.*_)?(top\d+|accuracy|success|flipped|chance|mean_per_class|in_distribution|shifted|drop"
    r"|zero_shot|probe|probe_\d+|probe_full|recall\w*)(_at_[\d.]+)?"
)
BOUNDS = "_low", "_high"
VIEWS = "pixels_16", "pixels_8", "untrained"  # ways to look at pictures that learned nothing


def show_metrics(metrics: dict) -> str:
    """Write a line for each metric, such as ``top-1  92.7 % (92.0 to 93.4), chance 0.39 %``."""
    names = [name for name in metrics if not is_told_elsewhere(name, metrics)]
    width = max((len(label_of(name)) for name in names), default=0)
    return "\n".join(f"{label_of(name):<{width}}  {value_of(name, metrics)}" for name in names)


def is_told_elsewhere(name: str, metrics: dict) -> bool:
    """Say whether a number stands in the line of another: a bound, or top-1's chance level."""
    for end in BOUNDS:
        if name.endswith(end) and name.removesuffix(end) in metrics:
            return True
    group, _, own = name.rpartition("/")
    return own == "chance" and in_group(group, "top1") in metrics


def in_group(group: str, name: str) -> str:
    return f"{group}/{name}" if group else name


def label_of(name: str) -> str:
    words = re.sub(r"\btop(\d+)\b", r"top-\1", name.replace("_", " "))
    return words.replace("/", ", ")


def value_of(name: str, metrics: dict) -> str:
    value, (group, _, own) = metrics[name], name.rpartition("/")
    if not (isinstance(value, float) and FRACTION.fullmatch(own)):
        return plain(value)
    text = percent(value)
    low, high = (metrics.get(name + end) for end in BOUNDS)
    if low is not None and high is not None:
        text += f" ({100 * low:.1f} to {100 * high:.1f})"
    chance = metrics.get(in_group(group, "chance"))
    return f"{text}, chance {percent(chance)}" if own == "top1" and chance is not None else text


def percent(share: float) -> str:
    """Write a fraction in percent, with two digits that count where it is small."""
    return f"{100 * share:.2g} %" if 0 < abs(share) < 0.01 else f"{100 * share:.1f} %"


def plain(value) -> str:
    if isinstance(value, float):
        return f"{value:.4f}" if value == 0 or abs(value) >= 1e-3 else f"{value:.1e}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


# -------------------- tables


def cell(metrics: Mapping[str, float], name: str) -> str:
    """Write a share in per cent with its interval, such as `` 92.7 (92.0 to 93.4)``.

    It is empty where the share was not measured, and says so where a probe did not converge.
    """
    if name not in metrics:
        return ""
    value, low, high = (100 * metrics[f"{name}{end}"] for end in ("", *BOUNDS))
    mark = "" if metrics.get(f"{name}_converged", True) else " not converged"
    return f"{value:5.1f} ({low:.1f} to {high:.1f}){mark}"


# -------------------- baselines


def baseline_lines(
    title: str, rows: Mapping[str, str], metrics: Mapping[str, float], names: Sequence[str]
) -> list[str]:
    """Format baselines in per cent, a line for each row; none where they were not measured.

    Args:
        rows: what stands before a line -> what the names of its metrics begin with.
        names: of the baselines.
    """
    first = next(iter(rows.values()))
    known = [name for name in names if f"{first}baseline/{name}" in metrics]
    if not known:
        return []
    lines = [f"{title:<16}" + "".join(f"{name:>12}" for name in known)]
    for label, prefix in rows.items():
        shares = (100 * metrics[f"{prefix}baseline/{name}"] for name in known)
        lines.append(f"{label:<16}" + "".join(f"{share:12.1f}" for share in shares))
    return lines

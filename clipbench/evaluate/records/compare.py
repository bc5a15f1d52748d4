"""Why two numbers differ: a comparison of two records.

First their switches, then their numbers, then a test on the pictures they share.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from clipbench.evaluate.statistics.paired import paired_test

ABSENT = "(absent)"
MOST_SHOWN = 3  # items of a long list


def compare(first: Mapping, second: Mapping) -> dict:
    """Compare two records.

    Returns:
        ``switches``, name -> {first, second} of every setting, model fingerprint and library
        version that differs; ``metrics``, name -> {first, second, difference} of every number that
        both have; ``paired``, see ``paired_test``, or {"why_not": ...} where pictures cannot be
        paired; ``verdict``, all that in a sentence.
    """
    ours, theirs = switches(first), switches(second)
    names = [
        name for name in {**ours, **theirs} if ours.get(name, ABSENT) != theirs.get(name, ABSENT)
    ]
    differing = {
        name: {"first": ours.get(name, ABSENT), "second": theirs.get(name, ABSENT)}
        for name in names
    }
    metrics = {
        name: {
            "first": value,
            "second": second["metrics"][name],
            "difference": second["metrics"][name] - value,
        }
        for name, value in first["metrics"].items()
        if is_number(value) and is_number(second["metrics"].get(name))
    }
    paired = compare_pictures(first, second)
    return {
        "switches": differing,
        "metrics": metrics,
        "paired": paired,
        "verdict": verdict(differing, metrics, paired),
    }


def switches(record: Mapping) -> dict[str, Any]:
    """Collect everything that a number may depend on, flat.

    Settings, the model's fingerprint, versions of libraries.
    """
    versions = {f"versions.{name}": version for name, version in record.get("versions", {}).items()}
    return {**flat(record["settings"]), "model_fingerprint": record.get("fingerprint"), **versions}


def flat(settings: Mapping, before: str = "") -> dict[str, Any]:
    """Flatten nested settings: {"a": {"b": 1}} becomes {"a.b": 1}."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= (
            flat(value, f"{before}{name}.")
            if isinstance(value, Mapping)
            else {f"{before}{name}": value}
        )
    return found


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# -------------------- by pictures


def compare_pictures(first: Mapping, second: Mapping) -> dict:
    """Make the paired test on the pictures that both records judge, by their ids."""
    if not ("outcomes" in first and "outcomes" in second):
        return {"why_not": "a record without outcomes: write both with clipbench eval"}
    ours, theirs = correct_by_id(first["outcomes"]), correct_by_id(second["outcomes"])
    shared = [name for name in ours if name in theirs]
    if not shared:
        return {"why_not": "the records have no pictures in common"}
    return paired_test([ours[name] for name in shared], [theirs[name] for name in shared])


def correct_by_id(outcomes: Mapping) -> dict[tuple[str, int], bool]:
    """Map (id, how often it came before) -> whether the answer was right."""
    found: dict[tuple[str, int], bool] = {}
    seen: dict[str, int] = {}
    for name, label, answer in zip(
        outcomes["ids"], outcomes["labels"], outcomes["predictions"], strict=True
    ):
        found[name, seen.get(name, 0)] = label == answer
        seen[name] = seen.get(name, 0) + 1
    return found


def verdict(differing: Mapping, metrics: Mapping, paired: Mapping) -> str:
    """Sum up the comparison in one sentence for people."""
    same = all(row["difference"] == 0 for row in metrics.values())
    if same and not differing:
        return "the same switches and the same numbers"
    if not differing:
        return "no switch differs, yet the numbers do: the machine, its threads or its device must"
    named = ", ".join(
        [*list(differing)[:MOST_SHOWN], *(["..."] if len(differing) > MOST_SHOWN else [])]
    )
    which = f"{len(differing)} switch{'es differ' if len(differing) > 1 else ' differs'} ({named})"
    if same:
        return f"{which}, and the numbers do not"
    if "p" not in paired:
        return f"{which}, and so do the numbers"
    much = "more than chance would" if paired["p"] < 0.05 else "no more than chance would"
    return (
        f"{which}; on {paired['pictures']:,} shared pictures the answers differ "
        f"{much} (p = {paired['p']:.2g})"
    )


# -------------------- a table of many


def table(records: Mapping[str, Mapping]) -> tuple[list[str], list[list[str]]]:
    """Lay out records as a table: (column names, one row a record).

    The columns are its name, the switches in which the records differ, their numbers, seconds.
    """
    every = {name: switches(record) for name, record in records.items()}
    columns = list(dict.fromkeys(switch for found in every.values() for switch in found))
    varying = [
        switch
        for switch in columns
        if len({as_text(found.get(switch, ABSENT)) for found in every.values()}) > 1
    ]
    numbers = list(dict.fromkeys(name for record in records.values() for name in record["metrics"]))
    rows = [
        [
            name,
            *(as_text(every[name].get(switch, ABSENT)) for switch in varying),
            *(as_text(record["metrics"].get(number, "")) for number in numbers),
            as_text(record.get("seconds", "")),
        ]
        for name, record in records.items()
    ]
    return ["record", *varying, *numbers, "seconds"], rows


def as_text(value: object) -> str:
    """Write a value in a cell of a table, whole."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def difference_of(first: object, second: object) -> str:
    """Show two values of a switch in one line; of long lists what only one of them has."""
    if not (isinstance(first, list) and isinstance(second, list)):
        return f"{shortened(as_text(first))} against {shortened(as_text(second))}"
    parts = [f"{len(first)} against {len(second)}"]
    for where, some, others in (("first", first, second), ("second", second, first)):
        if only := [as_text(item) for item in some if item not in others]:
            more = ", ..." if len(only) > MOST_SHOWN else ""
            parts.append(
                f"only in the {where}: {', '.join(map(shortened, only[:MOST_SHOWN]))}{more}"
            )
    return "; ".join(parts if len(parts) > 1 else [*parts, "in another order"])


def shortened(text: str, most: int = 70) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def shown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Align the columns of a table for a terminal."""
    cells = [[shortened(cell, 30) for cell in row] for row in (columns, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        for row in cells
    ]
    return "\n".join(line.rstrip() for line in lines)

"""The table of findings, docs/findings.md, made from clipbench/assets/records.

Run it with ``python tools/docs/findings.py`` (make docs).

Each claim is a function of records to what is seen and whether the effect appears. A claim whose
records are not there is listed as not measured; a record that no claim uses is listed with its
accuracy. So a new record changes the page, and a new claim is one function. A test fails when the
page is stale.
"""

import itertools
import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clipbench.evaluate.statistics.intervals import student
from clipbench.paper_figures import FIGURES, NO_DATA, Sources, finding_of
from clipbench.paper_figures.finding import NO, PARTLY, YES

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "clipbench" / "assets" / "records"
PAGE = ROOT / "docs" / "findings.md"


@dataclass(frozen=True)
class Seen:
    """What the records show.

    It holds a sentence with its interval, whether the effect appears, and why (not).
    """

    numbers: str
    appears: str
    why: str


@dataclass(frozen=True)
class Claim:
    said: str  # by the paper
    where: str
    records: tuple[str, ...]  # names, or patterns for seeds
    seen: Callable[..., Seen]  # of one list of records for each name


CLAIMS: list[Claim] = []


def claim(said: str, where: str, *records: str):
    """Put the function below it into the table of claims."""

    def add(seen):
        CLAIMS.append(Claim(said, where, records, seen))
        return seen

    return add


# --- numbers in words --------------------------------------------------------------------------


def percent(metrics: dict, name: str) -> str:
    """Format a share with its interval as "89.6 % (88.8 to 90.5)"."""
    value, low, high = (100 * metrics[name + end] for end in ("", "_low", "_high"))
    return f"{value:.1f} % ({low:.1f} to {high:.1f})"


def over_seeds(values: list[float], unit: str = "%") -> str:
    """Format the mean of runs with other seeds, with Student's 95 % interval.

    Where there are fewer than three, each value is given instead.
    """
    mean = statistics.fmean(values)
    if len(values) < 3:
        each = " and ".join(f"{value:.1f}" for value in values)
        return f"{each} {unit} ({'two seeds' if len(values) == 2 else 'one seed'})"
    low, high = student(values)
    return f"{mean:.1f} {unit} ({low:.1f} to {high:.1f}, {len(values)} seeds)"


def metrics_of(records: list[dict]) -> dict:
    (record,) = records
    return record["metrics"]


# --- the claims --------------------------------------------------------------------------------


@claim(
    "Pictures are named without a label, far above chance",
    "section 3.1",
    "tiny-seed*",
    "classroom-scenes-heldout",
)
def _(tiny, classroom):
    model = metrics_of(classroom)
    numbers = (
        "`tiny`, trained for 3 minutes: "
        f"{over_seeds([100 * r['metrics']['top1'] for r in tiny])} of 256 kinds; "
        f"`classroom`: {percent(model, 'top1')} of {model['classes']:,} kinds, chance "
        f"{100 * model['chance']:.2f} %"
    )
    above = all(
        metrics["top1_low"] > 10 * metrics["chance"]
        for metrics in [model, *(r["metrics"] for r in tiny)]
    )
    why = "new scenes of the same world and artist, so zero-shot in a narrow sense (lesson 01)"
    return Seen(numbers, YES if above else NO, why)


@claim(
    "The word on a picture beats the picture",
    "Goh et al. 2021",
    "typographic-many-signs-*",
    "typographic-no-signs-*",
)
def _(reader, blind):
    lost = [
        [100 * (r["metrics"]["two_way_control"] - r["metrics"]["two_way_attacked"]) for r in runs]
        for runs in (reader, blind)
    ]
    numbers = (
        f"thing or word: a name takes {over_seeds(lost[0], 'points')} more than a word of no class"
    )
    why = f"the cause is signs in the training world: without them {over_seeds(lost[1], 'points')}"
    return Seen(numbers, YES if min(lost[0]) > max(lost[1]) + 5 else NO, why)


@claim("Most pictures can be turned into a word", "Goh et al. 2021", "typographic-middle-reader")
def _(reader):
    model = metrics_of(reader)
    two_way = f"{100 - 100 * model['two_way_attacked']:.1f} %"
    numbers = (
        "across the middle of the picture a name wins against 256 classes on "
        f"{percent(model, 'success')} of the "
        f"pictures (two-way {two_way}; under a control word "
        f"{percent(model, 'control_target')}); against a probe of "
        f"the same features on {percent(model, 'probe_success')}"
    )
    why = (
        "`twin:reader` saw a million pairs of a world full of signs that say something of their own"
    )
    return Seen(numbers, YES if model["success_low"] > 0.25 else NO, why)


@claim("A larger, better model is fooled, too", "Goh et al. 2021", "classroom-typographic")
def _(classroom):
    model = metrics_of(classroom)
    gap = model["two_way_control_low"] - model["two_way_attacked_high"]
    numbers = (
        f"the thing wins {percent(model, 'two_way_attacked')} under a name, "
        f"{percent(model, 'two_way_control')} under "
    )
    why = (
        "its world has few signs, and half of each picture was hidden in training: "
        "it did not learn to read (lesson 04)"
    )
    return Seen(numbers + "a word of no class", YES if gap > 0 else NO, why)


@claim(
    "Single units answer to a thing and to its written name",
    "Goh et al. 2021",
    "twin-reader-units",
    "twin-no-signs-units",
)
def _(reader, no_signs):
    model, blind = metrics_of(reader), metrics_of(no_signs)
    layer = last_layer(reader)
    sure = max(model[f"{layer}/{kind}p_holm"] for kind in ("", "fresh_"))
    numbers = (
        f"{model[f'{layer}/pairs']} pairs of a unit and a thing in the last layer answer to picture "
        f"and word, {model[f'{layer}/fresh_pairs']} on fresh ones; "
        f"{model[f'{layer}/luck_pairs']:.0f} where words are dealt at random (at most "
        f"{model[f'{layer}/luck_most']}; p = {sure:.3f} corrected for the layers). The best: unit "
        f"{model[f'{layer}/best_unit']}, the {model[f'{layer}/best_concept']}"
    )
    why = (
        f"`twin:reader`, {model['layers_beyond_luck']} of 7 layers; the twin whose world has no "
        f"signs: {blind['layers_beyond_luck']} (lesson 12)"
    )
    return Seen(numbers, YES if sure < 0.05 else NO, why)


def last_layer(records) -> str:
    return records[0]["settings"]["layers"][-1]


@claim(
    "Handwritten digits: worse than a classifier on raw pixels",
    "sections 3.1.5 and 6",
    "classroom-digits",
    "digits-pixels-probe",
)
def _(digits, pixels):
    zero_shot, raw = metrics_of(digits), metrics_of(pixels)
    numbers = f"zero-shot {percent(zero_shot, 'top1')}, raw pixels {percent(raw, 'top1')}"
    why = "nothing in the training world looks like handwriting"
    return Seen(numbers, YES if zero_shot["top1_high"] < raw["top1_low"] else NO, why)


@claim("A probe of the features is better than zero-shot", "figure 8", "classroom-scene-tasks")
def _(tasks):
    model = metrics_of(tasks)
    names = sorted(name.removesuffix("/probe") for name in model if name.endswith("/probe"))
    better = [
        name for name in names if model[f"{name}/probe_low"] > model[f"{name}/zero_shot_high"]
    ]
    worse = [name for name in names if model[f"{name}/probe_high"] < model[f"{name}/zero_shot_low"]]
    numbers = (
        f"better on {len(better)} of {len(names)} scene tasks, worse on {len(worse)} "
        "(intervals apart); mean "
        f"{100 * model['mean_probe']:.1f} % against {100 * model['mean_zero_shot']:.1f} %"
    )
    return Seen(
        numbers,
        YES if len(better) > len(names) / 2 else PARTLY,
        "as in the paper, words lose what they never say",
    )


@claim(
    "Zero-shot is worth about four labelled pictures per class",
    "figure 6",
    "classroom-digits-few-shot",
)
def _(few):
    model = metrics_of(few)
    shots = "; ".join(f"{k} per class {percent(model, f'probe_{k}')}" for k in (1, 4, 16))
    appears = YES if model["zero_shot_low"] > model["probe_1_high"] else NO
    return Seen(
        f"digits: zero-shot {percent(model, 'zero_shot')}; {shots}",
        appears,
        "digits are outside of this world, where the paper's zero-shot is weak as well",
    )


@claim("Counting is hard", "sections 3.1.5 and 6", "classroom-scene-tasks", "twin-no-counts-tasks")
def _(tasks, twin):
    model, without = metrics_of(tasks), metrics_of(twin)
    numbers = (
        f"one, two or three: {percent(model, 'count/zero_shot')}, things named "
        f"{percent(model, 'concept/zero_shot')}; "
        f"a twin whose captions never count: {percent(without, 'count/zero_shot')}, chance "
        f"{100 * without['count/chance']:.1f} %"
    )
    harder = model["count/zero_shot_high"] < model["concept/zero_shot_low"]
    return Seen(
        numbers,
        YES if harder else NO,
        "captions must count; a probe of the twin's features does "
        f"({percent(without, 'count/probe')})",
    )


@claim(
    "Other languages work where captions speak them",
    "later papers",
    "twin-languages-en",
    "twin-languages-es",
    "twin-languages-de",
    "twin-languages-zh",
    "twin-languages-ru",
)
def _(*runs):
    tops = {
        name: metrics_of(run)["top1"]
        for name, run in zip(
            ("English", "Spanish", "German", "Chinese", "Russian"), runs, strict=True
        )
    }
    numbers = "of 256 kinds: " + ", ".join(
        f"{name} {100 * top:.1f} %" for name, top in tops.items()
    )
    near = min(tops.values()) > tops["English"] - 0.1
    return Seen(
        numbers,
        YES if near else NO,
        "a fifth of the captions in each language; `tiny` and `classroom` met few",
    )


@claim(
    "Word order is hardly understood",
    "later papers, such as ARO and Winoground",
    "classroom-scene-tasks",
)
def _(tasks):
    model = metrics_of(tasks)
    low, chance = model["word_order/zero_shot_low"], model["word_order/chance"]
    numbers = (
        "left of or right of, same words: "
        f"{percent(model, 'word_order/zero_shot')}, chance {100 * chance:.0f} %"
    )
    return Seen(
        numbers, YES if low <= chance else NO, "random pairs of a batch never ask for the order"
    )


@claim(
    "Zero-shot is robust when pictures change their style",
    "figures 13 and 14",
    "classroom-scenes-heldout",
    "classroom-twemoji",
    "classroom-openmoji",
)
def _(own, twemoji, openmoji):
    rows = [percent(metrics_of(records), "top1") for records in (own, twemoji, openmoji)]
    numbers = f"own artist {rows[0]}, another artist {rows[1]}, a third {rows[2]}"
    # more than half is lost
    fell = metrics_of(twemoji)["top1_high"] < metrics_of(own)["top1_low"] / 2
    return Seen(
        numbers,
        NO if fell else YES,
        "robustness came from 400 million varied pictures; this world has one artist",
    )


@claim(
    "Varied training pictures make a model robust",
    "Fang et al. 2022",
    "shifts-tiny-*",
    "two-artists-shifts",
)
def _(one, two):
    after = metrics_of(two)
    before = [100 * run["metrics"]["openmoji/top1"] for run in one]
    numbers = (
        f"pictures by an artist that neither met: {over_seeds(before)} after training "
        "on one artist, "
        f"{percent(after, 'openmoji/top1')} on two, with as many pairs (one seed)"
    )
    appears = YES if 100 * after["openmoji/top1_low"] > max(before) else NO
    return Seen(numbers, appears, "two artists are still few")


@claim(
    "Captions make a model robust, not the pictures",
    "section 3.3",
    "shifts-tiny-*",
    "shifts-supervised-*",
)
def _(captions, labels):
    told, ahead = [], []
    for artist, key in (("Twemoji", "twemoji/top1"), ("OpenMoji", "openmoji/top1")):
        ours, theirs = ([100 * run["metrics"][key] for run in runs] for runs in (captions, labels))
        told.append(f"{artist} {over_seeds(ours)} with captions, {over_seeds(theirs)} with labels")
        ahead.append(min(ours) > max(theirs))
    return Seen(
        "; ".join(told),
        YES if all(ahead) else NO,
        "both saw the same pictures: robustness comes from the data",
    )


@claim(
    "A model counts if its captions do",
    "sections 3.1.5 and 6",
    "counting-tiny-*",
    "counting-no-counts-*",
)
def _(told, untold):
    with_numbers, without = (
        [100 * run["metrics"]["count/zero_shot"] for run in runs] for runs in (told, untold)
    )
    probes = [100 * run["metrics"]["count/probe"] for run in untold]
    numbers = (
        f"one, two or three: {over_seeds(with_numbers)}, with captions that never "
        f"count {over_seeds(without)}, chance 33.3 %"
    )
    why = f"the number is in the features of both (probe of the second: {over_seeds(probes)})"
    return Seen(numbers, YES if min(with_numbers) > max(without) + 5 else NO, why)


@claim(
    "What was never seen together is still recognised",
    "section 3.1",
    "classroom-scenes-heldout",
    "classroom-scenes-heldout-*",
)
def _(own, held_out):
    kinds = {r["settings"]["data"].rpartition("-")[2]: r["metrics"] for r in held_out}
    numbers = "; ".join(
        f"new with this {kind}: {percent(metrics, 'top1')}" for kind, metrics in kinds.items()
    )
    worst = max(metrics["top1_high"] for metrics in kinds.values())
    appears = PARTLY if worst < metrics_of(own)["top1_low"] else YES
    return Seen(numbers, appears, "far above chance, and below what was seen together")


@claim("Large batches help", "section 2.5", "scaling-batch")
def _(runs):
    return along(runs, "batch", "at the same number of pairs a larger batch takes fewer steps")


def along(records: list[dict], name: str, why: str) -> Seen:
    """Give accuracy at each value of a setting, over the seeds of a record of several runs."""
    (record,) = records
    values = sorted({run[name] for run in record["runs"]})
    best = {
        value: best_of_rates([run for run in record["runs"] if run[name] == value])
        for value in values
    }
    numbers = "; ".join(f"{name} {value}: {over_seeds(best[value])}" for value in values)
    means = [statistics.fmean(best[value]) for value in values]
    appears = (
        YES if means == sorted(means) else NO if means == sorted(means, reverse=True) else PARTLY
    )
    return Seen(f"{record['pairs']:,} pairs; {numbers}", appears, why)


def best_of_rates(runs: list[dict]) -> list[float]:
    """Give each seed's accuracy, in per cent, at the learning rate that is best on average."""
    rates = {run.get("rate") for run in runs}
    by_rate = [[100 * run["top1"] for run in runs if run.get("rate") == rate] for rate in rates]
    return max(by_rate, key=statistics.fmean)


@claim(
    "Words predicted, or captions written, teach less than captions matched",
    "section 2.3, figure 2",
    "tiny-heldout256-name",
    "twin-bow-heldout256-name",
    "twin-caption-lm-heldout256-name",
)
def _(*ways):
    names = "captions matched", "words predicted", "captions written"
    found = [metrics_of(way) for way in ways]
    told = ", ".join(
        f"{name} {percent(metrics, 'top1')}" for name, metrics in zip(names, found, strict=True)
    )
    numbers = f"some 150,000 pairs of one world, one image encoder: {told} (one seed each)"
    ordered = all(
        better["top1_low"] > worse["top1_high"] for better, worse in itertools.pairwise(found)
    )
    return Seen(
        numbers,
        YES if ordered else PARTLY,
        "the order of the paper; on the way there the gaps are larger (lesson 07)",
    )


@claim(
    "Web captions may be wrong: much noise is borne",
    "section 2.2, Jia et al. 2021",
    "tiny-seed*",
    "twin-wrong-captions-heldout256",
)
def _(right, wrong):
    half = metrics_of(wrong)
    numbers = (
        f"half of the captions wrong: {percent(half, 'top1')}; none wrong: "
        f"{over_seeds([100 * r['metrics']['top1'] for r in right])}"
    )
    above = half["top1_low"] > 10 * half["chance"]
    why = "it learns, far above chance, but 150,000 pairs are too few for the lies to average out"
    return Seen(numbers, PARTLY if above else NO, why)


@claim(
    "Words in pictures are read", "section 3.1.5, Hateful Memes and SST2", "classroom-scene-tasks"
)
def _(tasks):
    model = metrics_of(tasks)
    numbers = (
        f"which of {round(1 / model['sign_word/chance'])} words is on the sign: "
        f"{percent(model, 'sign_word/zero_shot')}, "
        f"a probe {percent(model, 'sign_word/probe')}, chance "
        f"{100 * model['sign_word/chance']:.1f} %"
    )
    appears = NO if model["sign_word/zero_shot_low"] <= model["sign_word/chance"] else PARTLY
    return Seen(
        numbers,
        appears,
        "few signs in its training: it reads some words alone, and is not fooled by "
        "one beside a thing (lesson 04)",
    )


@claim("A word of many meanings is settled by its prompt", "section 3.1.4", "classroom-scene-tasks")
def _(tasks):
    model = metrics_of(tasks)
    numbers = (
        "“a mouse, a mammal” or “a mouse, computer hardware”: "
        f"{percent(model, 'polysemy/zero_shot')}, chance 50 %"
    )
    return Seen(
        numbers,
        YES if model["polysemy/zero_shot_low"] > model["polysemy/chance"] else NO,
        "as in the paper: another word beside it settles the meaning",
    )


@claim("Distance is hard", "section 3.1.5, KITTI", "classroom-scene-tasks")
def _(tasks):
    model = metrics_of(tasks)
    numbers = (
        f"near or far: {percent(model, 'distance/zero_shot')}, chance "
        f"{100 * model['distance/chance']:.0f} %"
    )
    hard = model["distance/zero_shot_high"] < model["concept/zero_shot_low"] - 0.1
    return Seen(
        numbers,
        YES if hard else NO,
        "captions of this world say “close up”, and close here only means large",
    )


@claim("“Not” is hardly heard", "later papers, such as NegBench", "classroom-scene-tasks")
def _(tasks):
    model = metrics_of(tasks)
    numbers = (
        f"“A and B” or “A and no B”: {percent(model, 'negation/zero_shot')}, a "
        f"probe {percent(model, 'negation/probe')}, chance 50 %"
    )
    value = model["negation/zero_shot_low"]
    appears = (
        YES
        if value <= model["negation/chance"]
        else PARTLY
        if value < model["negation/probe_low"]
        else NO
    )
    return Seen(
        numbers,
        appears,
        "captions of this world never say “no”; the picture's features know what is missing",
    )


@claim(
    "Zero-shot models are more robust than supervised ones of the same data",
    "section 3.3, figure 13",
    "tiny-robustness",
    "twin-supervised-robustness",
)
def _(clip, supervised):
    ours, theirs = metrics_of(clip), metrics_of(supervised)
    shifts = [name.removesuffix("/top1") for name in ours if name.endswith("/top1")]
    better = [name for name in shifts if ours[f"{name}/top1_low"] > theirs[f"{name}/top1_high"]]
    worse = [name for name in shifts if ours[f"{name}/top1_high"] < theirs[f"{name}/top1_low"]]
    numbers = (
        f"before {percent(ours, 'top1')} against {percent(theirs, 'top1')}; mean of "
        f"{len(shifts)} shifts "
        f"{100 * ours['mean_shifted']:.1f} % against {100 * theirs['mean_shifted']:.1f} "
        f"%, better on {len(better)}, "
        f"worse on {len(worse)} (intervals apart; one seed each)"
    )
    appears = YES if len(better) > len(worse) else NO
    return Seen(
        numbers,
        appears,
        "both saw the same pictures: what makes robust is the data, not the caption "
        "(Fang et al. 2022)",
    )


@claim(
    "What is more accurate is more robust",
    "section 3.3, Taori et al. 2020",
    "classroom-adaptation",
    "tiny-adaptation",
)
def _(classroom, tiny):
    large, small = metrics_of(classroom), metrics_of(tiny)
    rows = (("before", "top1"), ("Twemoji", "twemoji/top1"), ("OpenMoji", "openmoji/top1"))
    told = "; ".join(
        f"{name} {percent(large, key)} and {percent(small, key)}" for name, key in rows
    )
    numbers = f"`classroom` and `tiny`: {told}"
    shifts = ("twemoji/top1", "openmoji/top1")
    higher = [large[f"{key}_low"] > small[f"{key}_high"] for key in shifts]
    lower = [large[f"{key}_high"] < small[f"{key}_low"] for key in shifts]
    appears = YES if all(higher) else NO if any(lower) else PARTLY
    return Seen(
        numbers,
        appears,
        "two kinds of towers; more pairs by one artist teach more about that artist",
    )


# --- the page ----------------------------------------------------------------------------------

HEAD = """# Findings: the paper's claims at this scale

Made by `make docs` from the records in `clipbench/assets/records`; nothing here is typed. Brackets are 95 % intervals: of the
pictures (Wilson or exact) where it is one model, of Student over seeds where it says seeds. An effect that does not appear
is a finding, too: the last column says why. `EXPERIMENTS.md` has the commands and the failures.
"""


def load_records() -> dict[str, dict]:
    found = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(RECORDS.glob("*.json"))
    }
    return {
        name: record for name, record in found.items() if "metrics" in record or "runs" in record
    }


def matching(records: dict[str, dict], pattern: str) -> dict[str, dict]:
    return {name: record for name, record in records.items() if Path(name).match(pattern)}


def page(records: dict[str, dict]) -> str:
    rows = ["| the claim | where | what we see | here | why |", "|---|---|---|---|---|"]
    missing, used = [], set()
    for each in CLAIMS:
        found = [matching(records, pattern) for pattern in each.records]
        if not all(found):
            missing.append(f"* {each.said} ({each.where})")
            continue
        used |= {name for group in found for name in group}
        seen = each.seen(*(list(group.values()) for group in found))
        rows.append(
            f"| {each.said} | {each.where} | {seen.numbers} | **{seen.appears}** | {seen.why} |"
        )
    figures, without_numbers = figures_part()
    missing += without_numbers
    parts = [HEAD, "\n".join(rows), figures]
    if missing:
        parts.append("\n## Not measured yet\n\n" + "\n".join(missing))
    parts.append(others({name: record for name, record in records.items() if name not in used}))
    return "\n".join(part for part in parts if part) + "\n"


def figures_part() -> tuple[str, list[str]]:
    """Tabulate what `clipbench figures` finds in the records, a row for each figure of the paper.

    Returns:
        the table, and the figures that have no records yet.
    """
    missing = []
    rows = [
        "\n## Figure by figure\n",
        "| figure | the paper | what we see | here |",
        "|---|---|---|---|",
    ]
    for name, module in FIGURES.items():
        # without a folder to write to it measures nothing
        found = finding_of(name, Sources("classroom"))
        if found.appears == NO_DATA:
            missing.append(f"* {name}, {module.TITLE}: {found.finding}")
            continue
        rows.append(
            f"| {name}: {module.TITLE} | {module.PAPER} | {found.finding}. "
            f"{found.spread} | **{found.appears}** |"
        )
    return "\n".join(rows), missing


def others(records: dict[str, dict]) -> str:
    """List records that no claim uses, with their accuracy."""
    rows = [
        f"| {name} | {record['settings'].get('task', '')} | {percent(record['metrics'], 'top1')} |"
        for name, record in records.items()
        if "top1_low" in record.get("metrics", {})
    ]
    return (
        "\n".join(["\n## Other records\n", "| record | task | top-1 |", "|---|---|---|", *rows])
        if rows
        else ""
    )


if __name__ == "__main__":
    PAGE.write_text(page(load_records()), encoding="utf-8")
    print(PAGE.relative_to(ROOT))

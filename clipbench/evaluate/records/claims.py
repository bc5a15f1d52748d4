"""Claims that are registered before their numbers, and the one rule that judges them.

A claim says, as data (``assets/claims.json``): what is measured; the null that a control below it
counts as; the smallest effect of interest; the control that could explain the effect away; how many
trainings it needs; and what must hold for the question to make sense. There are four outcomes:

* *appears*: what is left beyond the strongest control has an interval above zero, and is no smaller
  than the smallest effect of interest;
* *does not appear*: the interval lies below the smallest effect of interest, so an effect of that
  size would have been seen;
* *undecided*: neither, or from fewer trainings than the claim needs;
* *not tested*: no measurement, no interval or no control, or something that must hold does not.

A claim that nothing differs appears where the whole interval is nearer to zero than the smallest
effect of interest. Its control is a positive one: an effect that the same measurement does see.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from clipbench.evaluate.statistics.effects import Effect, difference, exact, fewest, mean, over_runs
from clipbench.files import ASSETS

APPEARS, ABSENT = "appears", "does not appear"
UNDECIDED, UNTESTED = "undecided", "not tested"
OUTCOMES = (APPEARS, ABSENT, UNDECIDED, UNTESTED)
UNTRAINED = "baseline/"  # in the names of metrics that need no trained model
ENOUGH = 3  # trainings; with fewer a claim must say why one is all there is


@dataclass(frozen=True)
class Side:
    """Where one number of a claim stands.

    Attributes:
        records: names of records with spaces, or a pattern for those of several trainings.
        metric: a metric's name, or a pattern of metrics that are averaged, such as ``*/probe``.
        less: another metric to subtract: of each of the same records, or of those named ``of``.
        value: a known number, in the unit of the claim, in place of records.
        says: what it is, in words.
    """

    says: str
    records: str = ""
    metric: str = ""
    less: str = ""
    of: str = ""
    value: float | None = None

    def measured(self, records: Mapping[str, Mapping], factor: float) -> Effect | None:
        """Read it from the records; None where one of them lacks it."""
        if self.value is not None:
            return exact(self.value)
        if not self.of:
            number = averaged_over(records, self.records, self.metric, self.less)
        else:
            whole = averaged_over(records, self.records, self.metric)
            part = averaged_over(records, self.of, self.less)
            number = difference(whole, part) if whole and part else None
        return number.times(factor) if number else None


def averaged_over(
    records: Mapping[str, Mapping], names: str, metric: str, less: str = ""
) -> Effect | None:
    """Average a metric, less another of the same record, over the records that are named."""
    found = [
        record
        for name, record in records.items()
        if any(fnmatchcase(name, pattern) for pattern in names.split())
    ]
    numbers = [of_record(record.get("metrics", {}), metric, less) for record in found]
    known = [number for number in numbers if number is not None]
    if not known or len(known) < len(numbers):
        return None
    untrained = metric == "chance" or UNTRAINED in metric
    models = set() if untrained else {record["fingerprint"] for record in found} - {""}
    return over_runs(known, max(len(models), fewest(known)))


def of_record(metrics: Mapping, metric: str, less: str) -> Effect | None:
    """Read a metric, less another one, from one record."""
    whole = averaged(metrics, metric)
    part = averaged(metrics, less) if less else exact(0)
    return difference(whole, part) if whole and part else None


def averaged(metrics: Mapping, pattern: str) -> Effect | None:
    """Average the metrics that fit a pattern, with their intervals; None where none does."""
    names = [
        name
        for name in metrics
        if fnmatchcase(name, pattern) and not name.endswith(("_low", "_high", "_trainings"))
    ]
    return mean([with_ends(metrics, name) for name in names]) if names else None


def with_ends(metrics: Mapping, name: str) -> Effect:
    """Read a metric with its interval and, of a record made of others, its trainings."""
    value = metrics[name]
    low, high = metrics.get(f"{name}_low", value), metrics.get(f"{name}_high", value)
    return Effect(value, low, high, metrics.get(f"{name}_trainings", 0))


@dataclass(frozen=True)
class Condition:
    """What must hold for a claim to be tested: the low end of a number is above a bound."""

    side: Side
    above: float

    def fails(self, records: Mapping[str, Mapping], factor: float) -> str:
        """Say why it does not hold; an empty text where it does."""
        number = self.side.measured(records, factor)
        if number is None:
            return f"no record says {self.side.says}"
        if number.low > self.above:
            return ""
        return f"{self.side.says}: {number.value:.1f}, where more than {self.above:g} is needed"


@dataclass(frozen=True)
class Claim:
    """What is claimed, and what would count for and against it.

    Attributes:
        name: a word for it; a figure's claim has the figure's name.
        said: the claim in our words.
        where: who says so, and in which section.
        quantity: what is measured.
        unit: "points" of a share, or what is counted.
        null: a control below it counts as this much.
        smallest: the smallest effect of interest beyond the control.
        control: what could explain the effect away, in words.
        trainings: how many models must have been trained; below ENOUGH ``single`` says why.
        effect: where the quantity stands; None where a figure measures it.
        controls: where the controls stand; the strongest counts.
        nothing: whether the claim is that nothing differs.
        presupposes: what must hold.
        untestable: why this world cannot test it.
        remark: a fact about the measurement.
        before: the verdict before claims were registered, and ``changed``, why it is another one.
    """

    name: str
    said: str
    where: str
    quantity: str
    unit: str
    smallest: float
    control: str
    null: float = 0.0
    trainings: int = ENOUGH
    single: str = ""
    effect: Side | None = None
    controls: tuple[Side, ...] = ()
    nothing: bool = False
    presupposes: tuple[Condition, ...] = ()
    untestable: str = ""
    remark: str = ""
    before: str = ""
    changed: str = ""

    def __post_init__(self):
        if not self.control:
            raise ValueError(f"{self.name}: a claim names the control that could explain it away")
        if self.smallest <= 0:
            raise ValueError(f"{self.name}: the smallest effect of interest is more than 0")
        if self.trainings < ENOUGH and not self.single:
            raise ValueError(f"{self.name}: fewer than {ENOUGH} trainings need a reason")

    @property
    def size(self) -> str:
        """The smallest effect of interest in words, such as "10 points"."""
        unit = "point" if self.unit == "points" and self.smallest == 1 else self.unit
        return f"{self.smallest:g} {unit}"

    @property
    def factor(self) -> float:
        return 100.0 if self.unit == "points" else 1.0

    def measured(self, records: Mapping[str, Mapping]) -> Effect | None:
        return self.effect.measured(records, self.factor) if self.effect else None

    def measured_controls(self, records: Mapping[str, Mapping]) -> list[Effect | None]:
        return [side.measured(records, self.factor) for side in self.controls]

    def unmet(self, records: Mapping[str, Mapping]) -> str:
        """Say which presupposition does not hold; an empty text where all do."""
        reasons = [condition.fails(records, self.factor) for condition in self.presupposes]
        return next((reason for reason in reasons if reason), "")


@dataclass(frozen=True)
class Outcome:
    """What became of a claim."""

    verdict: str  # one of OUTCOMES
    why: str = ""
    effect: Effect | None = None
    control: Effect | None = None  # the strongest
    beyond: Effect | None = None  # the effect beyond the control


def judge_from_records(claim: Claim, records: Mapping[str, Mapping]) -> Outcome:
    """Judge a claim by records, name -> record."""
    controls = claim.measured_controls(records)
    return judge(claim, claim.measured(records), controls, claim.unmet(records))


def judge(
    claim: Claim, effect: Effect | None, controls: Sequence[Effect | None], unmet: str = ""
) -> Outcome:
    """Judge what was measured by the rule of this module.

    Args:
        effect: the quantity in the unit of the claim; None where it is not measured.
        controls: in the same unit; None for one that is not measured.
        unmet: why the claim cannot be tested, if so.
    """
    why = claim.untestable or unmet or lacking(claim, effect, controls)
    if why or effect is None:
        return Outcome(UNTESTED, why, effect)
    control = max((each for each in controls if each), key=lambda each: each.value)
    beyond = effect if claim.nothing else difference(effect, not_below(control, claim.null))
    verdict, why = (equal if claim.nothing else larger)(claim, beyond)
    if too_few := [
        each.trainings for each in (effect, control) if 0 < each.trainings < claim.trainings
    ]:
        verdict, why = UNDECIDED, f"{min(too_few)} of {claim.trainings} trainings"
    return Outcome(verdict, why, effect, control, beyond)


def lacking(claim: Claim, effect: Effect | None, controls: Sequence[Effect | None]) -> str:
    """Say what a verdict would lack; an empty text where nothing is missing."""
    if effect is None:
        return "not measured"
    if not effect.has_interval:
        return "no interval"
    if not controls or None in controls:
        return f"the control is not measured: {claim.control}"
    seen = [each for each in controls if each and each.low > claim.smallest]
    if claim.nothing and not seen:
        return f"the positive control shows no effect: {claim.control}"
    return ""


def not_below(control: Effect, null: float) -> Effect:
    return control if control.value >= null else exact(null)


def larger(claim: Claim, beyond: Effect) -> tuple[str, str]:
    """Judge an effect that should be larger than the control."""
    if beyond.high < claim.smallest:
        return ABSENT, f"{claim.size} would have been seen"
    if beyond.low > 0 and beyond.value >= claim.smallest:
        return APPEARS, ""
    return UNDECIDED, f"the interval holds both 0 or less than {claim.smallest:g} and more"


def equal(claim: Claim, found: Effect) -> tuple[str, str]:
    """Judge a difference that should not be there."""
    if -claim.smallest < found.low and found.high < claim.smallest:
        return APPEARS, f"{claim.size} would have been seen"
    if found.low > claim.smallest or found.high < -claim.smallest:
        return ABSENT, "there is a difference"
    return UNDECIDED, f"the interval reaches {claim.size}"


@cache
def registered() -> dict[str, Claim]:
    """Read the claims that come with the package: name -> claim, in their order."""
    rows = json.loads((ASSETS / "claims.json").read_text(encoding="utf-8"))
    claims = [claim_from(row) for row in rows]
    return {claim.name: claim for claim in claims}


def claim_from(row: Mapping) -> Claim:
    """Make a claim from its entry.

    Raises:
        TypeError or ValueError: for an entry that is incomplete.
    """
    parts = dict(row)
    if "effect" in parts:
        parts["effect"] = Side(says=parts["quantity"], **parts["effect"])
    parts["controls"] = tuple(Side(**side) for side in parts.get("controls", ()))
    parts["presupposes"] = tuple(
        Condition(
            Side(**{name: part for name, part in each.items() if name != "above"}), each["above"]
        )
        for each in parts.get("presupposes", ())
    )
    return Claim(**parts)

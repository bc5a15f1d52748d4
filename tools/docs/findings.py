"""The table of findings, docs/findings.md, made from registered claims and recorded numbers.

Run it with ``python tools/docs/findings.py`` (make docs).

The claims are clipbench/assets/claims.json, the numbers clipbench/assets/records, and the rule
clipbench.evaluate.records.claims: nothing here judges. A new record changes the page, and a new
claim is an entry of the file. A test fails when the page is stale.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from clipbench.evaluate.records.claims import (
    ABSENT,
    APPEARS,
    OUTCOMES,
    UNTESTED,
    Claim,
    Outcome,
    judge,
    judge_from_records,
    registered,
)
from clipbench.evaluate.statistics.effects import Effect
from clipbench.paper_figures import FIGURES, Finding, Sources, finding_of
from clipbench.paper_figures.finding import NO_DATA

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "clipbench" / "assets" / "records"
PAGE = ROOT / "docs" / "findings.md"

HEAD = """# Findings: the paper's claims at this scale

Made by `make docs` from the claims in `clipbench/assets/claims.json` and the records in `clipbench/assets/records`; nothing
here is typed. A claim is registered with its quantity, the control that could explain it away, the smallest effect of
interest and the trainings it needs. One rule judges them all (`clipbench/evaluate/records/claims.py`): an effect **appears**
where the interval of what is left *beyond the control* is above zero and its value is no smaller than the smallest effect of
interest; it **does not appear** where the interval lies below that size; it is **undecided** in between or from too few
trainings, and **not tested** without a measurement, an interval or a control. Brackets are 95 % intervals: Student's over
trainings or draws where there are several, else of the pictures. `EXPERIMENTS.md` has the commands and the failures.
"""


def load_records() -> dict[str, dict]:
    """Read the shipped records, name -> record, of evaluations."""
    found = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(RECORDS.glob("*.json"))
    }
    return {name: record for name, record in found.items() if "metrics" in record}


# -------------------- what becomes of the claims


def outcomes(records: Mapping[str, dict], figures: Mapping[str, Finding]) -> dict[str, Outcome]:
    """Judge every claim, by records or by what its figure measured."""
    return {
        name: of_figure(claim, figures[name])
        if name in figures
        else judge_from_records(claim, records)
        for name, claim in registered().items()
    }


def of_figure(claim: Claim, finding: Finding) -> Outcome:
    if finding.appears == NO_DATA:
        return Outcome(UNTESTED, "no record")
    return judge(claim, finding.effect, finding.controls, finding.unmet)


def all_figures() -> dict[str, Finding]:
    """Make every figure from records; without a folder to write to nothing is measured."""
    return {name: finding_of(name, Sources("classroom")) for name in FIGURES}


# -------------------- the page


def page(records: Mapping[str, dict], figures: Mapping[str, Finding]) -> str:
    found = outcomes(records, figures)
    parts = [HEAD, summary(found), claims_table(found), changes_table(found)]
    parts += [figures_table(figures), others_table(records)]
    return "\n".join(part for part in parts if part) + "\n"


def summary(found: Mapping[str, Outcome]) -> str:
    verdicts = [outcome.verdict for outcome in found.values()]
    plural = {APPEARS: "appear", ABSENT: "do not appear"}
    told = ", ".join(f"{verdicts.count(each)} {plural.get(each, each)}" for each in OUTCOMES)
    return f"{len(found)} claims: {told}.\n"


def claims_table(found: Mapping[str, Outcome]) -> str:
    rows = [
        "| the claim | where | what is measured | measured | the control | beyond it | of interest | here |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join(rows + [claim_row(registered()[name], each) for name, each in found.items()])


def claim_row(claim: Claim, outcome: Outcome) -> str:
    unit = claim.unit
    measured = number(outcome.effect, unit) + trainings(outcome.effect) if outcome.effect else "-"
    control = claim.control + (f": {number(outcome.control, unit)}" if outcome.control else "")
    beyond = number(outcome.beyond, unit) if outcome.beyond else "-"
    least = f"{'less than ' if claim.nothing else ''}{claim.size}"
    remark = f"{claim.said}. *{claim.remark}*" if claim.remark else claim.said
    cells = [remark, claim.where, claim.quantity, measured, control, beyond, least]
    return f"| {' | '.join([*cells, told(claim, outcome)])} |"


def told(claim: Claim, outcome: Outcome) -> str:
    """Give the outcome with its reason, and whether it rests on one training."""
    single = f"one training: {claim.single}" if claim.single and outcome.beyond else ""
    reasons = "; ".join(reason for reason in (outcome.why, single) if reason)
    return f"**{outcome.verdict}**" + (f" ({reasons})" if reasons else "")


def number(effect: Effect, unit: str) -> str:
    """Format a number with its interval, such as "24.2 points (23.2 to 25.2)"."""
    decimals = 2 if unit.startswith("of ") else 1
    value, low, high = (f"{each:.{decimals}f}" for each in (effect.value, effect.low, effect.high))
    return f"{value} {unit}" + (f" ({low} to {high})" if effect.has_interval else "")


def trainings(effect: Effect) -> str:
    return f", {effect.trainings} trainings" if effect.trainings > 1 else ""


def changes_table(found: Mapping[str, Outcome]) -> str:
    """List the claims whose verdict is another than before claims were registered, and why."""
    rows = ["\n## What changed its verdict, and why\n", "| the claim | before | now | why |"]
    rows.append("|---|---|---|---|")
    for name, outcome in found.items():
        claim = registered()[name]
        if claim.before and claim.before != outcome.verdict:
            why = "; ".join(part for part in (claim.changed, outcome.why) if part)
            rows.append(f"| {claim.said} | {claim.before} | {outcome.verdict} | {why} |")
    return "\n".join(rows)


def figures_table(figures: Mapping[str, Finding]) -> str:
    """Tabulate what `clipbench figures` draws from the records, a row for each figure."""
    rows = ["\n## Figure by figure\n", "| figure | the paper | what we see | its claim here |"]
    rows.append("|---|---|---|---|")
    for name, found in figures.items():
        verdict = f"**{found.appears}**" + (f" ({found.why})" if found.why else "")
        seen = ". ".join(part for part in (found.finding, found.spread) if part)
        module = FIGURES[name]
        rows.append(f"| {name}: {module.TITLE} | {module.PAPER} | {seen} | {verdict} |")
    return "\n".join(rows)


def others_table(records: Mapping[str, dict]) -> str:
    """List the records that no claim names, with their accuracy."""
    text = json.dumps([repr(claim) for claim in registered().values()])
    rows = [
        f"| {name} | {record['settings'].get('task', '')} | {percent(record['metrics'], 'top1')} |"
        for name, record in records.items()
        if "top1_low" in record["metrics"] and name not in text
    ]
    head = ["\n## Other records\n", "| record | task | top-1 |", "|---|---|---|"]
    return "\n".join([*head, *rows]) if rows else ""


def percent(metrics: dict, name: str) -> str:
    """Format a share with its interval as "89.6 % (88.8 to 90.5)"."""
    value, low, high = (100 * metrics[name + end] for end in ("", "_low", "_high"))
    return f"{value:.1f} % ({low:.1f} to {high:.1f})"


if __name__ == "__main__":
    PAGE.write_text(page(load_records(), all_figures()), encoding="utf-8")
    print(PAGE.relative_to(ROOT))

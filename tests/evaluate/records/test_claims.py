"""Facts about claims: what an entry must say, and what the rule makes of measured numbers."""

import math

import pytest

from clipbench.evaluate.records.claims import (
    ABSENT,
    APPEARS,
    UNDECIDED,
    UNTESTED,
    Claim,
    Condition,
    Side,
    claim_from,
    judge,
    judge_from_records,
    registered,
)
from clipbench.evaluate.statistics.effects import Effect, difference, exact, mean, over_runs

CHANCE = exact(10.0)


def claim(**parts) -> Claim:
    usual = {
        "name": "naming",
        "said": "things are named",
        "where": "here",
        "quantity": "top-1",
        "unit": "points",
        "smallest": 5.0,
        "control": "chance",
    }
    return Claim(**usual | parts)


def seen(value: float, half: float, trainings: int = 3) -> Effect:
    return Effect(value, value - half, value + half, trainings)


@pytest.mark.parametrize(
    "effect, control, verdict",
    [
        (seen(30, 2), CHANCE, APPEARS),
        (seen(12, 1), CHANCE, ABSENT),  # real, and smaller than anybody cares for
        (seen(12, 9), CHANCE, UNDECIDED),
        (seen(30, 25), CHANCE, UNDECIDED),
        (seen(30, 2), seen(29, 2), ABSENT),  # the control explains it
        (seen(30, 2, trainings=1), CHANCE, UNDECIDED),  # of three trainings
        (seen(30, 2), seen(10, 1, trainings=1), UNDECIDED),
        (seen(30, 0), CHANCE, UNTESTED),  # no interval
        (seen(30, 2), None, UNTESTED),  # no control
        (None, CHANCE, UNTESTED),
    ],
)
def test_the_rule_knows_four_outcomes(effect, control, verdict):
    outcome = judge(claim(), effect, [control])
    assert outcome.verdict == verdict
    assert outcome.why or verdict == APPEARS


def test_without_any_control_nothing_is_tested():
    assert judge(claim(), seen(30, 2), []).verdict == UNTESTED


def test_the_strongest_control_counts_and_one_below_the_null_counts_as_the_null():
    assert judge(claim(), seen(30, 2), [CHANCE, seen(28, 1)]).control.value == 28
    assert judge(claim(), seen(30, 2), [exact(-50.0)]).beyond.value == 30


def test_a_single_training_is_enough_where_the_claim_says_why():
    single = claim(trainings=1, single="it takes a day")
    assert judge(single, seen(30, 2, trainings=1), [CHANCE]).verdict == APPEARS


def test_that_nothing_differs_needs_an_interval_near_zero_and_a_control_that_shows_something():
    nothing = claim(nothing=True)
    positive = seen(20, 3)
    assert judge(nothing, seen(0.5, 2), [positive]).verdict == APPEARS
    assert judge(nothing, seen(9, 2), [positive]).verdict == ABSENT
    assert judge(nothing, seen(4, 3), [positive]).verdict == UNDECIDED
    blind = judge(nothing, seen(0.5, 2), [seen(1, 3)])
    assert blind.verdict == UNTESTED and "positive control" in blind.why


def test_what_this_world_cannot_test_is_not_tested_whatever_the_numbers():
    outcome = judge(claim(untestable="one artist"), seen(30, 2), [CHANCE])
    assert (outcome.verdict, outcome.why) == (UNTESTED, "one artist")


@pytest.mark.parametrize(
    "parts, message",
    [
        ({"control": ""}, "names the control"),
        ({"smallest": 0.0}, "more than 0"),
        ({"trainings": 1}, "need a reason"),
    ],
)
def test_an_incomplete_claim_is_refused(parts, message):
    with pytest.raises(ValueError, match=message):
        claim(**parts)


def test_an_entry_with_an_unknown_part_is_refused():
    with pytest.raises(TypeError):
        claim_from({"name": "a", "verdict": "appears"})


# -------------------- numbers from records


def record(fingerprint: str, **metrics) -> dict:
    return {"fingerprint": fingerprint, "metrics": metrics}


RECORDS = {
    "run-0": record("a", top1=0.5, chance=0.1),
    "run-1": record("b", top1=0.6, chance=0.1),
    "run-2": record("c", top1=0.7, chance=0.1),
    "tasks": record(
        "d", **{"one/zero": 0.4, "one/zero_low": 0.3, "one/zero_high": 0.5, "two/zero": 0.8}
    ),
}


def test_several_trainings_get_students_interval_and_one_keeps_its_own():
    effect = Side("top-1", records="run-?", metric="top1", less="chance").measured(RECORDS, 100)
    assert effect.value == pytest.approx(50) and effect.trainings == 3
    assert effect.low == pytest.approx(50 - 4.303 * 10 / math.sqrt(3), abs=0.01)
    own = over_runs([Effect(1, 0, 3)], trainings=1)
    assert (own.low, own.high) == (0, 3)


def test_draws_of_one_model_are_one_training():
    same = {name: {**each, "fingerprint": "a"} for name, each in RECORDS.items()}
    assert Side("top-1", records="run-?", metric="top1").measured(same, 1).trainings == 1


def test_a_baseline_in_a_models_record_is_no_training():
    both = {"model": record("a", **{"top1": 0.5, "baseline/pixels_16": 0.2})}
    assert (
        Side("pixels", records="model", metric="baseline/pixels_16").measured(both, 1).trainings
        == 0
    )
    assert Side("model", records="model", metric="top1").measured(both, 1).trainings == 1


def test_a_pattern_of_metrics_is_averaged_and_its_ends_are_no_metrics():
    effect = Side("zero-shot", records="tasks", metric="*/zero").measured(RECORDS, 1)
    assert effect.value == pytest.approx(0.6) and effect.low == pytest.approx(0.55)


def test_one_record_less_another():
    side = Side("gap", records="run-2", metric="top1", of="run-0", less="top1")
    assert side.measured(RECORDS, 100).value == pytest.approx(20)


@pytest.mark.parametrize(
    "names, metric", [("no-such", "top1"), ("run-?", "top5"), ("run-? tasks", "top1")]
)
def test_what_a_record_lacks_is_not_measured(names, metric):
    assert Side("top-1", records=names, metric=metric).measured(RECORDS, 1) is None


def test_a_presupposition_that_fails_is_told_with_its_number():
    asks = claim(
        presupposes=(Condition(Side("top-1 (%)", records="run-0", metric="top1"), 60),),
        effect=Side("top-1", records="run-?", metric="top1"),
        controls=(Side("chance", value=10.0),),
    )
    outcome = judge_from_records(asks, RECORDS)
    assert (
        outcome.verdict == UNTESTED
        and outcome.why == "top-1 (%): 50.0, where more than 60 is needed"
    )


def test_differences_of_shares_get_newcombes_interval():
    """Table II of Newcombe (1998), method 10: 56/70 less 48/80 is 0.2, from 0.0524 to 0.3339."""
    from clipbench.evaluate.statistics.intervals import wilson

    gap = difference(Effect(56 / 70, *wilson(56, 70)), Effect(48 / 80, *wilson(48, 80)))
    assert (gap.value, gap.low, gap.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


def test_a_known_number_adds_nothing_to_an_interval():
    assert difference(Effect(5, 4, 7, 3), exact(1)) == Effect(4, 3, 6, 3)
    assert mean([Effect(1, 0, 2), exact(3)]).low == pytest.approx(1.5)


# -------------------- the claims that are shipped


def test_the_shipped_claims_are_complete():
    claims = registered().values()
    assert len(claims) >= 25
    for each in claims:
        assert each.said and each.where and each.quantity and each.unit, each.name
        assert each.effect is None or each.controls or each.untestable or each.name == "new-name"

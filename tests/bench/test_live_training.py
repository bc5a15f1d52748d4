"""What a live training would reach: the doctor's estimate."""

import pytest

from clipbench.bench.live_training import live_training
from clipbench.bench.speedrun_rules import PAIRS
from clipbench.cli.doctor import show_doctor
from clipbench.compute.doctor import report


def test_the_time_is_the_budget_over_the_measured_rate():
    found = live_training(seconds=0.1)
    assert found["pairs_per_second"] > 0 and found["pairs"] == PAIRS
    assert found["seconds"] == pytest.approx(PAIRS / found["pairs_per_second"], rel=0.01)
    last = show_doctor(report() | {"live_training": found}).splitlines()[-1]
    assert f"{found['pairs_per_second']:.0f} pairs/s" in last

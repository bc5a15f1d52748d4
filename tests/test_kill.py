"""Facts about killed runs: every kill leaves a folder to go on from, and the end has the bits of a run left alone."""

import os

import pytest


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="lives are forks")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_killed_at_random_moments_ends_with_the_same_bits(tmp_path, precision):
    from kill_fuzz import kill_runs

    counts = kill_runs(20, tmp_path, precision=precision)
    assert counts["kills"] == 20 and counts["runs_finished"] > 0
    wrong = ("runs_with_other_bits", "unreadable_folders", "lost_checkpoints", "torn_logs", "failed_lives")
    assert {name: counts[name] for name in wrong} == dict.fromkeys(wrong, 0)

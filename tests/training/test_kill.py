"""Facts about killed runs: every kill leaves a folder to go on from, and the end has the bits
of a run left alone.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="lives are forks")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_killed_at_random_moments_ends_with_the_same_bits(precision):
    finished = subprocess.run(
        [
            sys.executable,
            ROOT / "tools" / "kill_fuzz.py",
            "--kills",
            "20",
            "--precision",
            precision,
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=600,
    )
    counts = json.loads(finished.stdout)
    assert counts["kills"] == 20 and counts["runs_finished"] > 0 and finished.returncode == 0, (
        finished.stderr
    )
    wrong = (
        "runs_with_other_bits",
        "unreadable_folders",
        "lost_checkpoints",
        "torn_logs",
        "failed_lives",
    )
    assert {name: counts[name] for name in wrong} == dict.fromkeys(wrong, 0)

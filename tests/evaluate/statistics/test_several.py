"""Facts about several tests at once."""

import pytest

from clipbench.evaluate.statistics.several import holm


def test_holms_own_steps():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.04, 0.5]) == pytest.approx([0.08, 0.5])
    assert holm([0.6, 0.7]) == [1.0, 1.0] and holm([]) == []


def test_adjusted_values_keep_the_order_and_lie_below_bonferronis():
    p_values = [0.2, 0.001, 0.03, 0.03, 0.9]
    adjusted = holm(p_values)
    in_order = [p for _, p in sorted(zip(p_values, adjusted, strict=True))]
    assert in_order == sorted(in_order)
    assert all(p <= a <= min(1, 5 * p) for p, a in zip(p_values, adjusted, strict=True))

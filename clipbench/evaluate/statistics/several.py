"""Several tests at once: what is left of their p-values."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for several tests (Holm 1979), in the order given.

    Whoever takes those below 0.05 for findings is wrong about any of them in at most 5 % of such
    families of tests, however the tests depend on each other.
    """
    adjusted, largest = [0.0] * len(p_values), 0.0
    in_order = sorted(range(len(p_values)), key=lambda number: p_values[number])
    for rank, number in enumerate(in_order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[number]))
        adjusted[number] = largest
    return adjusted

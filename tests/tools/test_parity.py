"""Families of other projects come out of ``load`` as their own code computes them."""

import pytest

from tools.parity import ADAPTERS, FAMILIES, differences, table

UNIT = 1e-5  # of unit vectors, and of logits relative to the largest


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_familys_features_are_those_of_its_own_code(family, tmp_path):
    if family.absent:
        pytest.skip(f"needs {', '.join(family.absent)}")
    found = differences(family, tmp_path / "model")
    assert max(found["images"], found["texts"], found["logits"]) < UNIT
    assert found["adapter"] in ADAPTERS.values()


def test_the_table_has_a_row_for_each_family():
    numbers = {"images": 0.0, "texts": 1e-7, "logits": 2e-6}
    rows = [{"family": "CLIP", "adapter": "none", **numbers}]
    assert table(rows).splitlines()[2:] == ["| CLIP | none | 0e+00 | 1e-07 | 2e-06 |"]

"""Exact search: equal to sorting all scores, whatever the blocks and the ties."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from clipbench import UserError
from clipbench.cli import main
from clipbench.evaluate.search import top_k


@given(
    st.integers(1, 60), st.integers(1, 12), st.integers(1, 25), st.integers(1, 4), st.integers(0, 9)
)
def test_it_is_a_stable_sort_of_all_scores(rows, k, block, queries, seed):
    generator = torch.Generator().manual_seed(seed)
    # many ties, and exact products
    features = torch.randint(-2, 3, (rows, 3), generator=generator).float()
    asked = torch.randint(-2, 3, (queries, 3), generator=generator).float()
    found = top_k(asked, features, k, block)
    scores = asked @ features.T
    order = scores.sort(dim=1, descending=True, stable=True).indices[:, :k]
    assert torch.equal(found.rows, order)
    assert torch.equal(found.scores, scores.gather(1, order))


def test_the_same_ten_as_faiss():
    faiss = pytest.importorskip("faiss", reason="needs faiss-cpu, the reference")
    generator = torch.Generator().manual_seed(0)
    features = F.normalize(torch.randn(20_000, 64, generator=generator), dim=1)
    queries = F.normalize(torch.randn(5, 64, generator=generator), dim=1)
    index = faiss.IndexFlatIP(64)
    index.add(features.numpy())
    scores, rows = index.search(queries.numpy(), 10)
    found = top_k(queries, features, 10, block=4096)
    assert np.array_equal(found.rows.numpy(), rows)
    assert np.allclose(found.scores.numpy(), scores, atol=1e-6)


def test_mistakes():
    with pytest.raises(UserError, match="nothing to search"):
        top_k(torch.zeros(1, 3), torch.zeros(0, 3), 1)
    with pytest.raises(UserError, match="not the same model"):
        top_k(torch.zeros(1, 3), torch.zeros(2, 4), 1)
    with pytest.raises(UserError, match="at least 1"):
        top_k(torch.zeros(1, 3), torch.zeros(2, 3), 0)


def test_the_benchmark_finds_the_same_ids_as_faiss(capsys):
    pytest.importorskip("faiss", reason="needs faiss-cpu, the reference")
    command = [
        "bench",
        "search",
        "--against",
        "faiss",
        "--rows",
        "3000",
        "--width",
        "32",
        "--rounds",
        "1",
    ]
    assert main([*command, "--threads", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["threads_1"]
    assert (
        told["queries_256"]["identical"] == "256 of 256"
        and told["queries_1"]["identical"] == "1 of 1"
    )
    assert told["queries_256"]["largest_difference_of_scores"] < 1e-6

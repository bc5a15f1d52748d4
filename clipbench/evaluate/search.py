"""Exact nearest neighbours by cosine: every row is compared, in blocks that fit into the cache."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from clipbench.errors import UserError

BLOCK = 16_384  # rows at a time: 32 MB of 512 float32 numbers


@dataclass(frozen=True)
class Neighbours:
    """The best rows for each of Q queries, best first."""

    rows: Int[Tensor, "Q K"]
    scores: Float[Tensor, "Q K"]


def top_k(queries: Float[Tensor, "Q D"], features: Float[Tensor, "M E"], k: int, block: int = BLOCK) -> Neighbours:
    """The k rows of ``features`` (M, D) with the largest inner product with each query; with unit vectors, the cosine.

    Of equal scores the smaller row comes first. ``features`` may be a memory map: memory is needed for one block only.

    Raises:
        UserError: for k below one, no rows, or vectors of different widths.
    """
    if k < 1:
        raise UserError(f"the number of results must be at least 1, not {k}")
    if not len(features):
        raise UserError("there is nothing to search: no features")
    if queries.shape[1] != features.shape[1]:
        raise UserError(f"queries have {queries.shape[1]} numbers and features {features.shape[1]}: not the same model")
    best = Neighbours(torch.empty(len(queries), 0, dtype=torch.int64), torch.empty(len(queries), 0))
    for start in range(0, len(features), block):
        rows = features[start : start + block].to(queries.dtype)
        best = merged(best, (rows @ queries.T).T, start, k)
    return best


def merged(best: Neighbours, scores: Float[Tensor, "Q M"], first_row: int, k: int) -> Neighbours:
    """The best of those found so far and of a block whose first row is ``first_row``."""
    count = min(k, scores.shape[1])
    least = scores.topk(count, dim=1).values[:, -1:]
    if best.rows.shape[1] == k:  # a later row must be better than the worst so far to come in
        least = torch.maximum(least, best.scores[:, -1:])
    found = [row.nonzero()[:, 0] for row in scores >= least]  # in the order of rows, ties included
    rows, values = [], []
    for query, block_rows in enumerate(found):
        candidates = torch.cat([best.scores[query], scores[query, block_rows]])
        order = candidates.sort(descending=True, stable=True).indices[:k]
        rows.append(torch.cat([best.rows[query], block_rows + first_row])[order])
        values.append(candidates[order])
    return Neighbours(torch.stack(rows), torch.stack(values))

"""Exact nearest neighbours by cosine.

Every row is compared, in blocks; most blocks are dismissed by their best.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from clipbench.errors import UserError

BLOCK = 65_536  # rows at a time, fewer where there are many queries:
SCORES = 1 << 20  # scores at a time, 4 MB


@dataclass(frozen=True)
class Neighbours:
    """The best rows for each of Q queries, best first."""

    rows: Int[Tensor, "Q K"]
    scores: Float[Tensor, "Q K"]


def top_k(
    queries: Float[Tensor, "Q D"], features: Float[Tensor, "M E"], k: int, block: int | None = None
) -> Neighbours:
    """Find the k rows of ``features`` (M, D) with the largest inner product with each query.

    With unit vectors, that is the cosine. Of equal scores the smaller row comes first.
    ``features`` may be a memory map: memory is needed for one block only.

    Raises:
        UserError: for k below one, no rows, or vectors of different widths.
    """
    if k < 1:
        raise UserError(f"the number of results must be at least 1, not {k}")
    if not len(features):
        raise UserError("there is nothing to search: no features")
    if queries.shape[1] != features.shape[1]:
        raise UserError(
            f"queries have {queries.shape[1]} numbers and features {features.shape[1]}: "
            "not the same model"
        )
    block = block or max(1024, min(BLOCK, SCORES // max(1, len(queries))))
    rows = torch.empty(len(queries), 0, dtype=torch.int64, device=queries.device)
    best = Neighbours(rows, queries.new_empty(rows.shape))
    for start in range(0, len(features), block):
        scores = queries @ features[start : start + block].to(queries.dtype).T  # (Q, block)
        best = merged(best, scores, start, k)
    return best


def merged(best: Neighbours, scores: Float[Tensor, "Q M"], first_row: int, k: int) -> Neighbours:
    """Merge the best found so far with those of a block whose first row is ``first_row``."""
    if best.rows.shape[1] < k:
        return best_of(best, scores, first_row, k)
    # a later row of equal score does not come in
    better = (scores.amax(1) > best.scores[:, -1]).nonzero()[:, 0]
    if len(better):
        some = best_of(
            Neighbours(best.rows[better], best.scores[better]), scores[better], first_row, k
        )
        best.rows[better], best.scores[better] = some.rows, some.scores
    return best


def best_of(best: Neighbours, scores: Float[Tensor, "Q M"], first_row: int, k: int) -> Neighbours:
    """Merge as ``merged`` does, for queries that all have something to gain."""
    columns = first_columns(scores, min(k, scores.shape[1]))
    candidates = torch.cat([best.scores, scores.gather(1, columns)], 1)  # in the order of rows
    rows = torch.cat([best.rows, columns + first_row], 1)
    order = candidates.sort(dim=1, descending=True, stable=True).indices[:, :k]
    return Neighbours(rows.gather(1, order), candidates.gather(1, order))


def first_columns(scores: Float[Tensor, "Q M"], count: int) -> Int[Tensor, "Q K"]:
    """Give the columns of the largest scores in ascending order; of equal scores the first ones."""
    values, columns = scores.topk(count, dim=1)
    # sums of float32 are the fast ones
    reach = torch.ge(scores, values[:, -1:], out=torch.empty_like(scores)).sum(1)
    for query in (reach > count).nonzero()[:, 0].tolist():  # topk took any of several equal ones
        columns[query] = scores[query].sort(descending=True, stable=True).indices[:count]
    return columns.sort(dim=1).values

"""Exact search of the ten best rows among a million, beside faiss's exact index.

It runs on one and on two threads.
"""

import torch
from torch import Tensor

from clipbench.bench.contest import ratio, take_turns
from clipbench.bench.memory import resident
from clipbench.compute.limits import allowed_cores
from clipbench.errors import UserError
from clipbench.evaluate.search import Neighbours, top_k

QUERIES = (1, 8, 32, 256)  # at a time
CHUNK = 65_536  # rows drawn at a time, so that a million need no second copy


def searching(
    threads: int | None = None,
    against: str | None = None,
    rows: int = 1_000_000,
    width: int = 512,
    top: int = 10,
    rounds: int = 3,
) -> dict:
    """Time an exact search among random unit vectors, for 1 to 256 queries at a time.

    Milliseconds, in float32.

    Args:
        threads: of torch and faiss; by default one, and two where there are two cores.
        against: "faiss" takes turns with IndexFlatIP on the same vectors (it keeps a copy of them)
            and compares ids.
    """
    features, queries = unit_vectors(rows, width, seed=0), unit_vectors(max(QUERIES), width, seed=1)
    index = faiss_index(features) if against == "faiss" else None
    counts = [threads] if threads else [1, 2] if allowed_cores() > 1 else [1]
    result = {"rows": rows, "width": width, "top": top, "rounds": rounds, "precision": "fp32"}
    for count in counts:
        use_threads(count, index)
        result[f"threads_{count}"] = {
            f"queries_{number}": one_contest(queries[:number], features, index, top, rounds)
            for number in QUERIES
        }
    peak = resident("VmHWM")
    return result | ({} if peak is None else {"peak_memory_gb": peak / 1e9})


def unit_vectors(rows: int, width: int, seed: int) -> Tensor:
    generator, found = torch.Generator().manual_seed(seed), torch.empty(rows, width)
    for part in found.split(CHUNK):
        part.normal_(generator=generator)
        part /= part.norm(dim=1, keepdim=True)
    return found


def faiss_index(features: Tensor):
    """Build faiss's exact index of the features.

    Raises:
        UserError: when faiss is not installed.
    """
    try:
        import faiss
    except ImportError:
        raise UserError("faiss is not installed; run: pip install faiss-cpu") from None
    index = faiss.IndexFlatIP(features.shape[1])
    for part in features.split(CHUNK):
        index.add(part.numpy())
    return index


def use_threads(count: int, index) -> None:
    torch.set_num_threads(count)
    if index is not None:
        import faiss

        faiss.omp_set_num_threads(count)


def one_contest(queries: Tensor, features: Tensor, index, top: int, rounds: int) -> dict:
    """Measure the least milliseconds of each, and whether their ids are the same."""

    def ours() -> Neighbours:
        return top_k(queries, features, top)

    def faiss() -> tuple:
        return index.search(queries.numpy(), top)

    ways = {"ours": ours} if index is None else {"ours": ours, "faiss": faiss}
    seconds = take_turns(ways, rounds)
    told = {f"{name}_ms": 1e3 * min(times) for name, times in seconds.items()}
    if index is None:
        return told
    same = agreement(ours(), *faiss())
    return told | {"times_faster": ratio(seconds["faiss"], seconds["ours"]), **same}


def agreement(ours: Neighbours, scores, rows) -> dict:
    """Count the queries that have the same ids in the same order, and compare the scores.

    Scores are compared by their largest difference.
    """
    same = (ours.rows == torch.from_numpy(rows)).all(1)
    return {
        "identical": f"{int(same.sum())} of {len(same)}",
        "largest_difference_of_scores": float((ours.scores - torch.from_numpy(scores)).abs().max()),
    }

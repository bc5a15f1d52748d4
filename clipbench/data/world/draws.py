"""Counter-based random draws.

The same (seed, index, name) gives the same number on every device and in any batch.
"""

import zlib
from functools import lru_cache

import torch

MASK = 0xFFFFFFFF


def mix(state: torch.Tensor) -> torch.Tensor:
    """Mix the bits of 32-bit values, held in int64 tensors.

    It is a finaliser with good avalanche (Wellons' lowbias32).
    """
    state = (state ^ (state >> 16)) * 0x21F0AAAD & MASK
    state = (state ^ (state >> 15)) * 0x735A2D97 & MASK
    return state ^ (state >> 15)


class Draws:
    """Random numbers for the samples ``index`` (int64, (B,)) of the stream ``seed``.

    Each draw has a name of its own. Adding a draw never changes another one, because every number
    is a hash of (seed, index, name) and nothing else.
    """

    def __init__(self, seed: int, index: torch.Tensor):
        low, high = index & MASK, index >> 32
        start = mix(torch.full_like(low, (seed ^ (seed >> 32)) & MASK))
        self.state = mix(mix(start ^ low) ^ high)

    def __getitem__(self, rows: torch.Tensor) -> "Draws":
        """Give the draws of some of the samples."""
        chosen = Draws.__new__(Draws)
        chosen.state = self.state[rows]
        return chosen

    def bits(self, name: str) -> torch.Tensor:
        """Draw 32 random bits: (B,) int64."""
        return mix(mix(self.state ^ (zlib.crc32(name.encode()) & MASK)))

    def uniform(self, name: str, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        """Draw (B,) float32 in [low, high), from 24 bits, exact in float32."""
        return low + (high - low) * ((self.bits(name) >> 8).to(torch.float32) / (1 << 24))

    def integer(self, name: str, n: int) -> torch.Tensor:
        """Draw (B,) int64 in [0, n)."""
        return self.bits(name) * n >> 32

    def category(self, name: str, weights: tuple[float, ...]) -> torch.Tensor:
        """Draw a position in ``weights``, in proportion to them: (B,) int64."""
        total = sum(weights)
        edges = [round(sum(weights[: k + 1]) / total * (1 << 32)) for k in range(len(weights) - 1)]
        bits = self.bits(name)
        return torch.bucketize(
            bits, torch.tensor(edges, dtype=torch.int64, device=bits.device), right=True
        )


@lru_cache(maxsize=2)  # the epoch at hand and, in a batch across its end, the next one
def permutation(seed: int, epoch: int, n: int, device: str | torch.device = "cpu") -> torch.Tensor:
    """Shuffle range(n) in a way that depends on (seed, epoch) only: (n,) int64."""
    bits = Draws(seed, torch.arange(n, device=device)).bits(f"permutation {epoch}")
    return torch.argsort(bits, stable=True)


def shuffled_positions(seed: int, index: torch.Tensor, n: int) -> torch.Tensor:
    """Give the places of samples ``index`` (B,) of an endless stream in a data set of n.

    Every epoch is a new permutation.
    """
    epochs = torch.div(index, n, rounding_mode="floor")
    result = torch.empty_like(index)
    for epoch in epochs.unique().tolist():
        chosen = epochs == epoch
        result[chosen] = permutation(seed, epoch, n, index.device)[index[chosen] % n]
    return result

"""The matrix products of some work, alone: as fast as it could be if nothing else took time.

The share of its seconds that these products take is the fraction of this machine's own rate of
matrix products, at the same shapes, that the work reaches.
"""

from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
# how many arguments stand before the two matrices
PRODUCTS = {
    aten.mm.default: 0,
    aten.bmm.default: 0,
    aten.addmm.default: 1,
    aten.baddbmm.default: 1,
}
WHOLE = (aten.linear.default, aten.matmul.default)  # which inference mode does not take apart


class Recording(TorchDispatchMode):
    """Notes the products that are computed within it, and how often each.

    Convolutions and fused attention are not among them.
    """

    def __init__(self):
        super().__init__()
        self.calls: Counter[tuple] = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function in PRODUCTS:
            first = PRODUCTS[function]
            self.calls[tuple(layout(each) for each in args[first : first + 2])] += 1
        if function in WHOLE:
            with self:
                return function.decompose(*args, **(kwargs or {}))
        return function(*args, **(kwargs or {}))


def layout(matrix: Tensor) -> tuple:
    """Give what a product's speed depends on: (shape, strides, format, device)."""
    return tuple(matrix.shape), matrix.stride(), matrix.dtype, matrix.device


def products_alone(work: Callable[[], object]) -> tuple[Callable[[], None], float]:
    """Run ``work`` once, and give its products alone, with their operations.

    They are computed on random numbers of the same shapes and layouts.
    """
    with Recording() as recorded:
        work()
    products = [(*map(random_like, pair), calls) for pair, calls in recorded.calls.items()]

    def alone() -> None:
        for a, b, calls in products:
            for _ in range(calls):
                torch.matmul(a, b)

    return alone, float(sum(2 * a.numel() * b.shape[-1] * calls for a, b, calls in products))


def random_like(description: tuple) -> Tensor:
    shape, strides, dtype, device = description
    span = 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    return torch.randn(span, dtype=dtype, device=device).as_strided(shape, strides)

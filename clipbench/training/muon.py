"""Muon: momentum whose every matrix update has all its singular values made equal.

Source: Keller Jordan and others, 2024, kellerjordan.github.io/posts/muon.

Convolutions are treated as matrices (out channels x everything else). Embeddings, gains, biases and
the output projections are better left to AdamW.
"""

import torch

LONG = 2  # times as long as wide: from here on it is cheaper to iterate on the Gram matrix


@torch.no_grad()
def orthogonalise(
    matrix: torch.Tensor, steps: int = 5, dtype: torch.dtype | None = None
) -> torch.Tensor:
    """Give a matrix with the singular vectors of ``matrix`` and singular values near 1.

    They lie between about 0.7 and 1.2.

    Newton-Schulz iteration with the quintic coefficients of the source; it needs matrix products
    only. They are taken in ``dtype``, which the result has too (None: that of the matrix); bfloat16
    is enough, where it is fast.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).to(dtype or matrix.dtype)
    x = x / (x.norm() + 1e-7)
    long = x.shape[1] >= LONG * x.shape[0] and x.dtype != torch.bfloat16
    x = small_steps(x, steps) if long else plain_steps(x, steps)
    return x.T if tall else x


def plain_steps(x: torch.Tensor, steps: int) -> torch.Tensor:
    """Run the iteration as the source has it."""
    for _ in range(steps):
        gram = x @ x.T
        polynomial = torch.addmm(gram, gram, gram, beta=-4.7750, alpha=2.0315)
        x = torch.addmm(x, polynomial, x, beta=3.4445)  # a x + (b g + c g g) x
    return x


def small_steps(x: torch.Tensor, steps: int) -> torch.Tensor:
    """Run the iteration on the small side only.

    The long matrix is multiplied twice in all instead of twice in every step.

    Each step multiplies x by a polynomial p of its Gram matrix g, so the next one is p g p, and all
    factors commute. bfloat16 has too few digits for that.
    """
    gram = x @ x.T
    whole = torch.eye(len(x), dtype=x.dtype, device=x.device)
    for _ in range(steps):
        polynomial = torch.addmm(gram, gram, gram, beta=-4.7750, alpha=2.0315)
        polynomial.diagonal().add_(3.4445)
        whole, gram = polynomial @ whole, polynomial @ gram @ polynomial
    return whole @ x


class Muon(torch.optim.Optimizer):
    """SGD with Nesterov momentum and orthogonalised updates, for weights of two or more dimensions.

    ``dtype`` is the format in which updates are orthogonalised; None means each weight's own.
    """

    def __init__(
        self,
        params,
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        dtype: torch.dtype | None = None,
    ):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self.update(weight, weight.grad, group)

    def update(self, weight: torch.Tensor, gradient: torch.Tensor, group: dict) -> None:
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].lerp_(gradient, 1 - group["momentum"])
        direction = gradient.lerp(state["momentum"], group["momentum"])
        matrix = direction.reshape(len(weight), -1)
        rows, columns = matrix.shape
        update = orthogonalise(matrix, dtype=self.dtype).to(weight.dtype).reshape(weight.shape)
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.add_(update, alpha=-group["lr"] * max(1.0, rows / columns) ** 0.5)

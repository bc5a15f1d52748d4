"""Multinomial logistic regression with a certificate of how close to the optimum it is.

The objective is scikit-learn's (``LogisticRegression(C=C)``), a sum over the M rows and not a mean:

    f(W, b) = |W|^2 / 2 + C * sum_i [ logsumexp(z_i) - z_i[y_i] ],    z_i = W^T x_i + b,

with the intercept b unpenalised. For two classes scikit-learn has one weight vector w = W_1 - W_0;
its objective is twice ours at C / 2, and so it is computed here.

**Certificate.** The entropy H turns each logsumexp into a maximum, logsumexp(z) = max_p [p^T z +
H(p)] over the distributions p on the classes (Fenchel). Swapping minimum and maximum gives the dual

    d(P) = C * sum_i H(p_i) - |C X^T (Y - P)|^2 / 2,    rows of P are distributions, columns of P
    and Y have equal sums,

and d(P) <= min f for *every* such P; the column sums are what the unpenalised intercept asks for.
So (f - d) / d bounds the relative distance to the optimum, with no assumption on how W was found.
``to_dual_feasible`` makes a valid P of any matrix; how tight the bound is depends on the choice.
The softmax of z gives f - d = |gradient|^2 / 2, the bound of strong convexity, far too large for a
large C. Newton's linearised softmax p + S (X dW + db), S = diag(p) - p p^T, satisfies the dual's
stationarity for W + dW, and its bound is about as tight as the objective itself. Sums are in
float64; the certificate is exact up to their rounding (about 1e-12 relative).

**Solver.** Features of an image encoder lie in a narrow cone with a fast decaying spectrum, where
L-BFGS stops far from the optimum. The intercept absorbs the cone (features are centred), and a
rotation to the eigenvectors of the features' Gram matrix, which changes no norm, makes the diagonal
of the Hessian a good preconditioner. Newton's method with conjugate gradients then needs some tens
of Hessian products for a C; these only steer, so they may be in bfloat16, while objective, gradient
and certificate are in float64. Neighbouring C start from each other's solution.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from clipbench.compute.devices import pick_precision
from clipbench.errors import UserError

TARGET_GAP = 1e-6
NEWTON_STEPS = 40  # for each number format; ten are usual
CG_STEPS = 3000  # tens are usual; nearly separable rows at a large C need them
# how much smaller the residual of a Newton system gets before the step is taken
CG_TOLERANCE = 0.05


@dataclass(frozen=True)
class Fit:
    """A solution, in the coordinates of the features."""

    weights: Float[Tensor, "W C"]
    intercept: Float[Tensor, " C"]  # -inf for classes that the training labels do not have
    C: float
    objective: float  # scikit-learn's
    bound: float  # no weights have a smaller objective
    products: int  # Hessian products that it took

    @property
    def gap(self) -> float:
        """Upper bound on (objective - optimum) / optimum."""
        return relative_gap(self.objective, self.bound)

    @property
    def converged(self) -> bool:
        return self.gap <= TARGET_GAP

    def logits(self, features: Float[Tensor, "M W"]) -> Float[Tensor, "M C"]:
        return features.to(self.weights) @ self.weights + self.intercept


class Problem:
    """Training rows, prepared once for all C.

    They are centred, rotated to their principal axes, and have a column of ones.

    Args:
        features: M rows; float64 copies are made on their device.
        labels: class of each row, from 0 to ``classes`` - 1.
        classes: how many classes there are, whether or not all occur.

    Raises:
        UserError: for features and labels that do not fit together, values that are not finite,
            labels out of range, or rows of a single class.
    """

    def __init__(
        self, features: Float[Tensor, "M W"], labels: Int[Tensor, " N"], classes: int | None = None
    ):
        check_rows(features, labels)
        self.classes = int(labels.max()) + 1 if classes is None else classes
        if not 0 <= int(labels.min()) <= int(labels.max()) < self.classes:
            raise UserError(f"labels must lie from 0 to {self.classes - 1}; one is outside")
        self.present, self.labels = labels.to(features.device).unique(return_inverse=True)
        if len(self.present) < 2:
            raise UserError(
                f"all {len(labels)} labels are {int(self.present[0])}: a classifier "
                "needs two classes"
            )
        rows = features.double()
        self.mean = rows.mean(0)
        self.axes = principal_axes(rows - self.mean)  # (W, R)
        self.rows = F.pad((rows - self.mean) @ self.axes, (0, 1), value=1.0)  # (M, R + 1)
        self.penalty = torch.ones(self.rows.shape[1], 1, dtype=torch.float64, device=rows.device)
        self.penalty[-1] = 0  # the intercept
        self.targets = F.one_hot(self.labels, len(self.present)).double()  # (M, K)
        self.copies: dict[torch.dtype, tuple[Tensor, Tensor, Tensor]] = {}

    @property
    def sklearn_factor(self) -> float:
        """The ratio of scikit-learn's objective to the one that is minimised here.

        With two classes, scikit-learn's objective is twice the one that is minimised here, at
        C / 2.
        """
        return 2.0 if len(self.present) == 2 else 1.0

    def copy_in(self, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
        """Copy the rows, their transpose and squared entries to ``dtype``, for fast products.

        (M, R + 1), (R + 1, M), (R + 1, M).
        """
        if dtype not in self.copies:
            columns = self.rows.T.contiguous()
            self.copies[dtype] = self.rows.to(dtype), columns.to(dtype), columns.square().to(dtype)
        return self.copies[dtype]

    def objective(self, V: Tensor, logits: Tensor, C: float) -> tuple[float, Tensor]:
        """Compute f and the logsumexp of each row's logits (M, 1)."""
        total = logits.logsumexp(1, keepdim=True)
        loss = (total - logits.gather(1, self.labels[:, None])).sum()
        return float((self.penalty * V * V).sum() / 2 + C * loss), total

    def dual(self, P: Float[Tensor, "M K"], C: float) -> float:
        """Compute the dual objective d(P), for P from ``to_dual_feasible``."""
        weights = self.penalty * (self.rows.T @ (self.targets - P)) * C
        return float(C * torch.special.entr(P).sum() - (weights * weights).sum() / 2)

    def to_features(self, V: Tensor) -> tuple[Tensor, Tensor]:
        """Convert V to weights (W, C) and intercepts (C,) in the features' own coordinates.

        These are of all classes.
        """
        some = self.axes @ V[:-1]  # (W, K)
        weights = some.new_zeros(len(self.axes), self.classes)
        intercept = some.new_full((self.classes,), float("-inf"))
        weights[:, self.present], intercept[self.present] = some, V[-1] - self.mean @ some
        return weights, intercept


def check_rows(features: Tensor, labels: Tensor) -> None:
    """Check rows before a fit.

    Raises:
        UserError: unless there are rows, one label for each, and all values are finite.
    """
    if len(features) != len(labels):
        raise UserError(
            f"{len(features)} rows of features but {len(labels)} labels: give each row one label"
        )
    if not len(features):
        raise UserError("no rows to train on: give at least two classes with features")
    broken = int((~features.isfinite().all(1)).sum())
    if broken:
        raise UserError(
            f"{broken} of {len(features)} rows of features hold NaN or infinity: extract them again"
        )


def principal_axes(rows: Float[Tensor, "M W"]) -> Float[Tensor, "W R"]:
    """Compute orthonormal eigenvectors of rows^T rows, R = min(M, W).

    They span every row, so no optimum is lost.
    """
    if len(rows) >= rows.shape[1]:
        return torch.linalg.eigh(rows.T @ rows).eigenvectors
    span = torch.linalg.qr(rows.T).Q  # (W, M)
    inside = rows @ span
    return span @ torch.linalg.eigh(inside.T @ inside).eigenvectors


def fit(problem: Problem, C: float, start: Fit | None = None, target: float = TARGET_GAP) -> Fit:
    """Minimise f to a certified relative gap of ``target``.

    Starts from zero or from the solution of another C. The result says by ``converged`` whether
    the certificate reached the target; it is returned either way.
    """
    strength = C / problem.sklearn_factor
    V = problem.rows.new_zeros(problem.rows.shape[1], len(problem.present))
    if start is not None:
        V = to_problem(problem, start.weights, start.intercept)
    bound, products = float("-inf"), 0
    for dtype in product_formats(problem.rows.device):
        V, objective, bound, used = newton(problem, V, strength, target, dtype, bound)
        products += used
        if relative_gap(objective, bound) <= target:
            break
    weights, intercept = problem.to_features(V)
    factor = problem.sklearn_factor
    return Fit(weights, intercept, C, factor * objective, factor * bound, products)


def to_problem(problem: Problem, weights: Tensor, intercept: Tensor) -> Float[Tensor, "R1 K"]:
    """Convert weights in the features' coordinates to the problem's V; undoes ``to_features``."""
    some = weights[:, problem.present].to(problem.rows)
    last = intercept[problem.present].to(problem.rows) + problem.mean @ some
    return torch.cat([problem.axes.T @ some, last[None]])


def product_formats(device: torch.device) -> list[torch.dtype]:
    """List number formats of the Hessian products, to be tried in this order."""
    fast = [torch.bfloat16] if pick_precision(device) == "bf16" else []
    return [*fast, torch.float32, torch.float64]


def newton(problem: Problem, V: Tensor, C: float, target: float, dtype: torch.dtype, bound: float):
    """Take Newton steps until the gap is certified or ``NEWTON_STEPS`` are done.

    Returns:
        (V, objective, bound, products).
    """
    logits = problem.rows @ V
    objective, total = problem.objective(V, logits, C)
    products = 0
    for _ in range(NEWTON_STEPS):
        P = (logits - total).exp()
        gradient = problem.penalty * V - C * (problem.rows.T @ (problem.targets - P))
        step, used = newton_direction(problem, P, gradient, C, dtype)
        products += used
        change = problem.rows @ step
        decrement = -float((gradient * step).sum()) / 2
        old = P
        length, V, logits, objective, total = line_search(
            problem, V, step, logits, change, objective, decrement, C
        )
        if decrement < 100 * target * objective:  # near enough for the certificate to have a chance
            bound = max(bound, problem.dual(newton_dual(problem, old, change), C))
        if relative_gap(objective, bound) <= target or length == 0:
            break
    return V, objective, bound, products


def newton_direction(problem: Problem, P: Tensor, gradient: Tensor, C: float, dtype: torch.dtype):
    """Solve for the Newton step: (-H^-1 gradient, products).

    Conjugate gradients, preconditioned by the Hessian's diagonal.

    H V = penalty V + C X^T [P (X V) - P rowsum(P X V)]. Products with X are in ``dtype``, the rest
    in float32.
    """
    rows, columns, squares = problem.copy_in(dtype)
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    # smaller ones are denormal in float32, a hundred times slower
    P = torch.where(P > 1e-30, P, 0).to(wide)
    penalty = problem.penalty.to(wide)
    diagonal = penalty + C * (squares @ (P * (1 - P)).to(dtype)).to(wide)
    # an intercept has no penalty to keep its curvature from zero
    scale = diagonal.clamp(min=1e-6 * C).rsqrt()

    def product(direction: Tensor) -> Tensor:
        moved = (rows @ (scale * direction).to(dtype)).to(wide).mul_(P)
        moved -= P * moved.sum(1, keepdim=True)
        return scale * (penalty * scale * direction + C * (columns @ moved.to(dtype)).to(wide))

    residual = -(gradient.to(wide) * scale)
    solution, direction = torch.zeros_like(residual), residual.clone()
    square = first = float((residual * residual).sum())
    count = 0
    while count < CG_STEPS and square > CG_TOLERANCE**2 * first:
        curved = product(direction)
        count += 1
        curvature = float((direction * curved).sum())
        if not curvature > 0:  # rounding
            break
        solution += square / curvature * direction
        residual -= square / curvature * curved
        previous, square = square, float((residual * residual).sum())
        direction = residual + square / previous * direction
    return (scale * solution).double(), count


def line_search(
    problem: Problem, V, step, logits, change, objective: float, decrement: float, C: float
):
    """Backtrack: halve the step until the objective falls enough.

    Returns (length, V, logits, objective, logsumexp); length 0 if no step lowers it.
    """
    length = 1.0
    rounding = 1e-14 * abs(objective)
    while length > 1e-6 and decrement > 0:
        moved, moved_logits = V + length * step, logits + length * change
        reached, total = problem.objective(moved, moved_logits, C)
        if reached <= objective - 0.1 * length * decrement + rounding:
            return length, moved, moved_logits, reached, total
        length /= 2
    return 0.0, V, logits, objective, logits.logsumexp(1, keepdim=True)


def newton_dual(
    problem: Problem, P: Float[Tensor, "M K"], change: Float[Tensor, "M K"]
) -> Float[Tensor, "M K"]:
    """Compute the dual point of a Newton step that changes the logits by ``change``.

    It is P + S change, made feasible.
    """
    return to_dual_feasible(
        P + P * (change - (P * change).sum(1, keepdim=True)), problem.targets.sum(0)
    )


def to_dual_feasible(
    P: Float[Tensor, "M K"], column_sums: Float[Tensor, " K"]
) -> Float[Tensor, "M K"]:
    """Find a near matrix whose rows are distributions and whose columns have the given sums.

    The sums add up to M. Rows are normalised, columns that are too heavy scaled down, and what the
    rows then lack goes to the columns that lack it: the rounding of Altschuler, Weed and Rigollet
    2017 (algorithm 2).
    """
    P = P.clamp(min=0)
    P = P / P.sum(1, keepdim=True).clamp(min=1e-300)
    P = P * (column_sums / P.sum(0).clamp(min=1e-300)).clamp(max=1)
    row_lack = (1 - P.sum(1, keepdim=True)).clamp(min=0)
    column_lack = (column_sums - P.sum(0)).clamp(min=0)
    return P + row_lack * (column_lack / column_lack.sum().clamp(min=1e-300))


def certify(
    problem: Problem, weights: Float[Tensor, "W C"], intercept: Float[Tensor, " C"], C: float
) -> Fit:
    """Compute the objective and a lower bound of any weights.

    The weights may come from anywhere, for example scikit-learn. Valid everywhere, tight near the
    optimum: the better of the softmax's and the Newton step's dual point.
    """
    strength, factor = C / problem.sklearn_factor, problem.sklearn_factor
    V = to_problem(problem, weights, intercept)
    logits = problem.rows @ V
    objective, total = problem.objective(V, logits, strength)
    # not in the span
    outside = float(weights[:, problem.present].double().square().sum() - V[:-1].square().sum()) / 2
    P = (logits - total).exp()
    gradient = problem.penalty * V - strength * (problem.rows.T @ (problem.targets - P))
    step, products = newton_direction(problem, P, gradient, strength, torch.float64)
    points = (
        to_dual_feasible(P, problem.targets.sum(0)),
        newton_dual(problem, P, problem.rows @ step),
    )
    bound = max(problem.dual(point, strength) for point in points)
    return Fit(
        weights, intercept, C, factor * (objective + max(0.0, outside)), factor * bound, products
    )


def relative_gap(objective: float, bound: float) -> float:
    return max(0.0, objective - bound) / bound if bound > 0 else float("inf")

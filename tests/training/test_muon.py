"""Facts about Muon: updates with equal singular values, in the direction that lowers the loss."""

import pytest
import torch

from clipbench.training.muon import Muon, orthogonalise, plain_steps, small_steps


@pytest.mark.parametrize("shape", [(16, 16), (8, 40), (40, 8), (64, 27), (1, 5)])
def test_an_orthogonalised_matrix_has_singular_values_near_one(shape):
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)).float())
    assert len(values) == min(shape)
    # the source: five steps take singular values of a random matrix into about [0.7, 1.2].
    # A square random matrix has some that are nearly zero, which five steps lift less.
    assert values.max() < 1.3 and values.median() > 0.6
    if shape[0] != shape[1]:
        assert values.min() > 0.6


def test_five_steps_of_the_sources_polynomial():
    """On a diagonal matrix the iteration is a polynomial of each singular value, here in the
    source's numbers.
    """
    values = torch.tensor([1.0, 0.5, 0.1, 0.02])
    expected = values / values.norm()
    for _ in range(5):
        expected = 3.4445 * expected - 4.7750 * expected**3 + 2.0315 * expected**5
    found = orthogonalise(torch.diag(values)).float().diagonal()
    # bfloat16 has 3 digits, in fifteen products
    torch.testing.assert_close(found, expected, rtol=0.03, atol=0)


def test_an_orthogonalised_matrix_keeps_its_singular_vectors():
    torch.manual_seed(0)
    U, _, V = torch.linalg.svd(torch.randn(12, 30), full_matrices=False)
    matrix = U @ torch.diag(torch.linspace(1, 3, 12)) @ V
    near = (U.T @ orthogonalise(matrix).float() @ V.T).abs()
    off_diagonal = near - torch.diag(near.diagonal())
    assert near.diagonal().min() > 0.6 and off_diagonal.max() < 0.05


def test_the_size_of_a_gradient_does_not_matter():
    torch.manual_seed(0)
    matrix = torch.randn(8, 20)
    small, large = orthogonalise(1e-3 * matrix), orthogonalise(1e3 * matrix)
    torch.testing.assert_close(small.float(), large.float(), rtol=0, atol=1e-3)


def polynomial_of_singular_values(matrix: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """The source's definition by an SVD in float64: each step takes s to 3.4445 s - 4.7750 s^3
    + 2.0315 s^5.
    """
    U, values, V = torch.linalg.svd(matrix.double(), full_matrices=False)
    values = values / values.norm()
    for _ in range(steps):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return U * values @ V


@pytest.mark.parametrize("shape", [(16, 16), (8, 40), (40, 8), (64, 288)])
@pytest.mark.parametrize(
    "dtype, tolerance", [(None, 1e-4), (torch.float64, 1e-6), (torch.bfloat16, 0.1)], ids=str
)
def test_orthogonalising_is_the_polynomial_of_the_singular_values(shape, dtype, tolerance):
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    found, truth = orthogonalise(matrix, dtype=dtype), polynomial_of_singular_values(matrix)
    assert found.dtype == (dtype or torch.float32)
    assert (found.double() - truth).norm() < tolerance * truth.norm()


@pytest.mark.parametrize("shape", [(16, 64), (64, 2304)])
def test_steps_on_the_small_side_are_the_same_steps(shape):
    torch.manual_seed(0)
    U, _, V = torch.linalg.svd(torch.randn(shape, dtype=torch.float64), full_matrices=False)
    wide_spectrum = U * torch.logspace(0, -6, shape[0], dtype=torch.float64) @ V
    for matrix in (
        torch.randn(shape, dtype=torch.float64),
        wide_spectrum,
        torch.zeros(shape, dtype=torch.float64),
    ):
        x = matrix / (matrix.norm() + 1e-7)
        torch.testing.assert_close(small_steps(x, 5), plain_steps(x, 5))
        # float32: five steps amplify the smallest directions 3.4445 ** 5 = 485 times, and their
        # rounding with them
        torch.testing.assert_close(
            small_steps(x.float(), 5), plain_steps(x, 5).float(), rtol=0, atol=1e-3
        )


def test_muon_multiplies_in_the_weights_format_unless_told_otherwise(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "clipbench.training.muon.orthogonalise", lambda matrix, dtype: asked.append(dtype) or matrix
    )
    for dtype in (None, torch.bfloat16):
        weight = torch.nn.Parameter(torch.randn(4, 6))
        weight.grad = torch.randn(4, 6)
        Muon([weight], dtype=dtype).step()
    assert asked == [None, torch.bfloat16]


def test_weight_decay_takes_its_share_beside_the_update():
    torch.manual_seed(0)
    start, gradient = torch.randn(4, 6), torch.randn(4, 6)
    plain, decayed = (torch.nn.Parameter(start.clone()) for _ in range(2))
    for weight, decay in ((plain, 0.0), (decayed, 0.5)):
        weight.grad = gradient.clone()
        Muon([weight], lr=0.1, weight_decay=decay).step()
    # smaller by lr x decay
    torch.testing.assert_close(plain.detach() - decayed.detach(), 0.1 * 0.5 * start)


def test_a_gradient_of_zero_moves_nothing():
    weight = torch.nn.Parameter(torch.randn(4, 6))
    before = weight.detach().clone()
    weight.grad = torch.zeros_like(weight)
    Muon([weight]).step()
    assert torch.equal(weight, before)


@pytest.mark.parametrize(
    "shape", [(6, 10), (24, 6), (4, 3, 3, 3)], ids=["wide", "tall", "convolution"]
)
def test_a_step_has_the_size_of_the_learning_rate_and_lowers_the_loss(shape):
    torch.manual_seed(0)
    weight, target = torch.nn.Parameter(torch.randn(shape)), torch.randn(shape)
    optimizer = Muon([weight], lr=0.02)
    losses = []
    for _ in range(20):
        before = weight.detach().clone()
        loss = (weight - target).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
        rows, columns = len(weight), weight[0].numel()
        expected = 0.02 * max(1, rows / columns) ** 0.5
        largest = torch.linalg.svdvals((weight.detach() - before).reshape(rows, columns)).max()
        assert 0.6 * expected < largest < 1.3 * expected  # as the singular values above
    assert losses[-1] < losses[0] and losses == sorted(losses, reverse=True)


def test_weight_decay_shrinks_what_has_no_gradient():
    weight = torch.nn.Parameter(torch.ones(3, 3))
    weight.grad = torch.zeros_like(weight)
    Muon([weight], lr=0.1, weight_decay=0.5).step()
    torch.testing.assert_close(weight.detach(), torch.full((3, 3), 0.95))

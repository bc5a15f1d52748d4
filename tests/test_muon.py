"""Facts about Muon: updates with equal singular values, in the direction that lowers the loss."""

import pytest
import torch

from clipbench.muon import Muon, orthogonalise


@pytest.mark.parametrize("shape", [(16, 16), (8, 40), (40, 8), (64, 27), (1, 5)])
def test_an_orthogonalised_matrix_has_singular_values_near_one(shape):
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)).float())
    assert len(values) == min(shape)
    # the source: five steps take singular values of a random matrix into about [0.7, 1.2]; bfloat16 adds 1 %.
    # A square random matrix has some that are nearly zero, which five steps lift less.
    assert values.max() < 1.3 and values.median() > 0.6
    if shape[0] != shape[1]:
        assert values.min() > 0.6


def test_five_steps_of_the_sources_polynomial():
    """On a diagonal matrix the iteration is a polynomial of each singular value, here in the source's numbers."""
    values = torch.tensor([1.0, 0.5, 0.1, 0.02])
    expected = values / values.norm()
    for _ in range(5):
        expected = 3.4445 * expected - 4.7750 * expected**3 + 2.0315 * expected**5
    found = orthogonalise(torch.diag(values)).float().diagonal()
    torch.testing.assert_close(found, expected, rtol=0.03, atol=0)  # bfloat16 has 3 digits, in fifteen products


def test_an_orthogonalised_matrix_keeps_its_singular_vectors():
    torch.manual_seed(0)
    U, _, V = torch.linalg.svd(torch.randn(12, 30), full_matrices=False)
    matrix = U @ torch.diag(torch.linspace(1, 3, 12)) @ V
    near = (U.T @ orthogonalise(matrix).float() @ V.T).abs()
    off_diagonal = near - torch.diag(near.diagonal())
    assert near.diagonal().min() > 0.6 and off_diagonal.max() < 0.05  # bfloat16 has 3 digits


def test_the_size_of_a_gradient_does_not_matter():
    torch.manual_seed(0)
    matrix = torch.randn(8, 20)
    small, large = orthogonalise(1e-3 * matrix), orthogonalise(1e3 * matrix)
    torch.testing.assert_close(small.float(), large.float(), rtol=0, atol=0.05)  # bfloat16 has 3 digits


def test_a_gradient_of_zero_moves_nothing():
    weight = torch.nn.Parameter(torch.randn(4, 6))
    before = weight.detach().clone()
    weight.grad = torch.zeros_like(weight)
    Muon([weight]).step()
    assert torch.equal(weight, before)


@pytest.mark.parametrize("shape", [(6, 10), (24, 6), (4, 3, 3, 3)], ids=["wide", "tall", "convolution"])
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

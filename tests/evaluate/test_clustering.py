"""Facts about clusters: separate groups are found, and agreement is that of its formula."""

import itertools

import pytest
import torch

from clipbench.errors import UserError
from clipbench.evaluate.clustering import adjusted_rand_index, k_means


def test_separate_groups_are_found_whatever_the_start():
    generator = torch.Generator().manual_seed(0)
    corners = 10 * torch.tensor([[0.0, 0], [1, 0], [0, 1], [1, 1]])
    truth = torch.arange(4).repeat(25)
    points = corners[truth] + torch.randn(100, 2, generator=generator)
    for seed in range(5):
        assert adjusted_rand_index(k_means(points, 4, seed), truth) == 1


def test_each_point_ends_with_the_nearest_mean():
    points = torch.randn(60, 3, generator=torch.Generator().manual_seed(1))
    found = k_means(points, 5)
    means = torch.stack([points[found == k].mean(0) for k in range(5)])
    assert torch.equal(torch.cdist(points, means).argmin(1), found)


def test_as_many_clusters_as_points_and_points_that_are_equal():
    points = torch.tensor([[0.0], [1], [5]])
    assert sorted(k_means(points, 3).tolist()) == [0, 1, 2]
    assert k_means(torch.ones(4, 2), 2).unique().numel() == 1


def by_pairs(found: list[int], truth: list[int]) -> float:
    """The definition, pair by pair."""
    both = one = other = count = 0
    for a, b in itertools.combinations(range(len(found)), 2):
        same, alike = found[a] == found[b], truth[a] == truth[b]
        both, one, other, count = both + (same and alike), one + same, other + alike, count + 1
    chance = one * other / count
    return (both - chance) / ((one + other) / 2 - chance)


def test_agreement_is_that_of_the_definition():
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        found, truth = torch.randint(0, 4, (2, 30), generator=generator)
        assert adjusted_rand_index(found, truth) == pytest.approx(
            by_pairs(found.tolist(), truth.tolist())
        )
    # names of clusters do not count; nor do two partitions into single points differ
    assert adjusted_rand_index(torch.tensor([7, 7, 2]), torch.tensor([0, 0, 1])) == 1
    assert adjusted_rand_index(torch.arange(4), torch.arange(4)) == 1
    crossed = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1])
    assert adjusted_rand_index(*crossed) == pytest.approx(-0.5)


def test_mistakes():
    with pytest.raises(UserError, match="3 points cannot form 4 clusters"):
        k_means(torch.zeros(3, 2), 4)
    with pytest.raises(UserError, match="two at least"):
        adjusted_rand_index(torch.arange(1), torch.arange(1))

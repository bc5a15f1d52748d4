"""Maps: known planes, scikit-learn's numbers, and what is said of features that cannot be
mapped.
"""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from clipbench import UserError
from clipbench.evaluate.maps import (
    Cancelled,
    ProgressReader,
    principal_plane,
    trustworthiness,
    umap_map,
)


def cloud(rows: int, width: int, seed: int = 0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(rows, width, generator=random) * torch.arange(width, 0, -1).float()


def test_a_flat_cloud_is_its_own_map():
    flat = torch.tensor([[3.0, 0, 1], [-3, 0, 1], [0, 2, 1], [0, -2, 1]])
    plane = principal_plane(flat)
    assert torch.allclose(plane.project(flat), flat[:, :2], atol=1e-6)
    assert torch.allclose(plane.variance, torch.tensor([18 / 26, 8 / 26]))


@pytest.mark.parametrize("rows, width", [(50, 8), (5, 40)])
def test_pca_is_that_of_scikit_learn(rows, width):
    from sklearn.decomposition import PCA

    features = cloud(rows, width)
    theirs = PCA(2, svd_solver="full").fit(features.double().numpy())
    plane = principal_plane(features)
    assert np.allclose(
        plane.project(features), theirs.transform(features.double().numpy()), atol=1e-4
    )
    assert np.allclose(plane.variance, theirs.explained_variance_ratio_, atol=1e-5)


@pytest.mark.parametrize(
    "features", [torch.ones(1, 5), torch.ones(9, 5), torch.tensor([[0.0, 0], [1, 0]])]
)
def test_few_points_and_equal_ones_lie_on_a_plane_too(features):
    plane = principal_plane(features)
    assert torch.isfinite(plane.project(features)).all()
    assert torch.allclose(plane.directions @ plane.directions.T, torch.eye(2), atol=1e-6)
    assert 0 <= plane.variance.sum() <= 1 + 1e-6


@pytest.mark.parametrize(
    "features, problem",
    [
        (torch.zeros(0, 4), "no features"),
        (torch.tensor([[1.0, float("nan")]]), "not finite"),
        (torch.ones(5, 1), "2 dimensions"),
    ],
)
def test_what_has_no_plane_says_so(features, problem):
    with pytest.raises(UserError, match=problem):
        principal_plane(features)


@pytest.mark.parametrize("neighbours", [1, 5, 15])
def test_trustworthiness_is_that_of_scikit_learn(neighbours):
    from sklearn.manifold import trustworthiness as theirs

    features = normalize(cloud(300, 12), dim=1)
    for points in (principal_plane(features).project(features), cloud(300, 2, seed=1)):
        ours = trustworthiness(features, points, neighbours)
        expected = theirs(features.numpy(), points.numpy(), n_neighbors=neighbours, metric="cosine")
        assert ours == pytest.approx(expected, abs=1e-6)


def test_trustworthiness_of_a_perfect_and_of_a_random_map():
    flat = cloud(400, 2)
    assert trustworthiness(flat, 7 * flat) == 1.0
    assert trustworthiness(cloud(1000, 20), cloud(1000, 2, seed=1)) == pytest.approx(0.5, abs=0.03)


def test_trustworthiness_of_some_rows_is_part_of_that_of_all():
    features, points = cloud(200, 6), cloud(200, 2, seed=1)
    halves = [trustworthiness(features, points, 5, rows) for rows in torch.arange(200).view(2, 100)]
    assert sum(halves) / 2 == pytest.approx(trustworthiness(features, points, 5))


def test_trustworthiness_needs_enough_points():
    with pytest.raises(UserError, match="more than 30 points"):
        trustworthiness(cloud(30, 5), cloud(30, 2))


@pytest.mark.slow
def test_umap_separates_clusters_and_repeats_itself():
    random = torch.Generator().manual_seed(0)
    centres = torch.eye(16)[:4].repeat_interleave(40, 0)
    features = normalize(centres + 0.05 * torch.randn(160, 16, generator=random), dim=1)
    shares = []
    points = umap_map(features, seed=3, report=shares.append)
    assert torch.equal(points, umap_map(features, seed=3))
    assert shares[0] < 0.1 and shares == sorted(shares) and shares[-1] <= 1
    middles = points.view(4, 40, 2).mean(1)
    spread = (points.view(4, 40, 2) - middles[:, None]).norm(dim=2).max()
    assert torch.pdist(middles).min() > spread
    assert trustworthiness(features, points) > 0.9
    elsewhere = umap_map(features, seed=3, start="random")  # other places, the same neighbours
    assert (
        not torch.allclose(points, elsewhere, atol=1) and trustworthiness(features, elsewhere) > 0.9
    )


@pytest.mark.slow
def test_umap_can_be_given_up():
    asked = []

    def cancelled() -> bool:
        asked.append(True)
        return len(asked) > 3

    with pytest.raises(Cancelled):
        umap_map(cloud(60, 5), cancelled=cancelled)


@pytest.mark.parametrize("noise", [0.0, 1e-8])
def test_umap_of_equal_points_says_so(noise):
    features = torch.ones(40, 8) / 8**0.5 + noise * cloud(40, 8)
    with pytest.raises(UserError, match="all points are equal: .* nothing to map"):
        umap_map(features)


def test_umap_of_too_few_points():
    with pytest.raises(UserError, match="at least 4 points"):
        umap_map(cloud(3, 5))


def test_progress_is_read_from_what_tqdm_writes():
    shares = []
    reader = ProgressReader(shares.append, lambda: False)
    for text in ("\r0/500", "\r125/500", "\n", "", "\rspam", "\r?/0", "\r500/500"):
        reader.write(text)
    assert shares == [0, 0.25, 1]
    with pytest.raises(Cancelled):
        ProgressReader(shares.append, lambda: True).write("\r1/2")

"""Facts about verdicts, intervals and mean average precision: by hand, by sorting, and by
scikit-learn and SciPy.
"""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from clipbench import UserError
from clipbench.evaluate.statistics.accuracy import (
    average_precision,
    commonest_confusions,
    confusion_matrix,
    judge,
    multi_label_metrics,
)
from clipbench.evaluate.statistics.intervals import clopper_pearson, with_interval


def judged(scores, labels, block=3):
    scores, labels = torch.as_tensor(scores).float(), torch.as_tensor(labels)
    return judge(lambda rows: scores[rows], labels, scores.shape[1], block)


@given(st.integers(1, 40), st.integers(2, 9), st.integers(1, 50), st.integers(0, 99))
def test_ranks_are_places_in_a_stable_sort_whatever_the_blocks(rows, classes, block, seed):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randint(0, 4, (rows, classes), generator=generator).float()  # many ties
    labels = torch.randint(0, classes, (rows,), generator=generator)
    verdicts = judged(scores, labels, block)
    order = scores.sort(dim=1, descending=True, stable=True).indices
    assert torch.equal(verdicts.ranks, (order == labels[:, None]).int().argmax(1))
    assert torch.equal(verdicts.predictions, order[:, 0])
    assert torch.equal(verdicts.correct, verdicts.predictions == labels)


def test_two_classes_of_the_same_name_share_their_pictures_and_the_first_one_wins():
    same = torch.tensor([[1.0, 2.0, 2.0]]).repeat(2, 1)
    verdicts = judged(same, [1, 2])
    assert verdicts.predictions.tolist() == [1, 1] and verdicts.ranks.tolist() == [0, 1]


@pytest.mark.parametrize(
    "labels, told",
    [([0, 3], "label 3 is none"), ([0, -1], "label -1 is none"), ([], "no pictures")],
)
def test_labels_that_are_no_classes_are_refused(labels, told):
    with pytest.raises(UserError, match=told):
        judged(torch.zeros(len(labels), 3), torch.tensor(labels, dtype=torch.int64))


def test_the_confusion_matrix_is_scikit_learns():
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.metrics import confusion_matrix as reference

    generator = torch.Generator().manual_seed(0)
    scores, labels = (
        torch.randn(200, 7, generator=generator),
        torch.randint(0, 7, (200,), generator=generator),
    )
    verdicts = judged(scores, labels)
    matrix = confusion_matrix(labels, verdicts.predictions, 7)
    assert np.array_equal(matrix.numpy(), reference(labels, verdicts.predictions))
    mean = verdicts.metrics()["mean_per_class"]
    assert mean == pytest.approx(balanced_accuracy_score(labels, verdicts.predictions), abs=1e-6)


def test_the_commonest_confusion_comes_first():
    scores = torch.eye(3)[[1, 1, 2, 0, 2]]  # the answers
    told = commonest_confusions(judged(scores, [0, 0, 0, 0, 1]), ["ant", "bee", "cat"])
    assert told[0] == {"class": "ant", "taken_for": "bee", "pictures": 2, "of": 4}
    rest = [(row["class"], row["taken_for"], row["pictures"]) for row in told[1:]]
    assert rest == [("ant", "cat", 1), ("bee", "cat", 1)]
    assert commonest_confusions(judged(torch.eye(2), [0, 1]), ["ant", "bee"]) == []


# -------------------- intervals


@pytest.mark.parametrize(
    "hits, n, low, high",
    [  # Newcombe 1998 (Statistics in Medicine 17, 857-872), table I, method 5, to its four digits
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0, 0.1684),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_exact_intervals_are_those_of_clopper_and_pearson(hits, n, low, high):
    assert clopper_pearson(hits, n) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize("kind, method", [("wilson", "wilson"), ("clopper-pearson", "exact")])
@given(n=st.integers(1, 3000), data=st.data(), level=st.sampled_from([0.8, 0.95, 0.995]))
def test_intervals_are_scipys(kind, method, n, data, level):
    from scipy.stats import binomtest

    hits = data.draw(st.integers(0, n))
    told = with_interval("x", hits, n, level, kind)
    reference = binomtest(hits, n).proportion_ci(level, method=method)
    assert (told["x_low"], told["x_high"]) == pytest.approx(tuple(reference), abs=1e-9)
    assert told["x_low"] - 1e-12 <= hits / n <= told["x_high"] + 1e-12


# -------------------- several labels


def eleven_points_by_hand(scores, targets) -> float:
    """VOC2007's devkit: for each recall the best precision among all thresholds that reach it."""
    points = []
    for threshold in sorted(set(scores.tolist())):
        taken = scores >= threshold
        hits = int((taken & targets).sum())
        points.append((hits / int(targets.sum()), hits / int(taken.sum())))
    return (
        sum(max((p for r, p in points if r >= t / 10 - 1e-9), default=0.0) for t in range(11)) / 11
    )


@given(st.integers(1, 40), st.integers(0, 999), st.booleans())
def test_average_precision_is_scikit_learns_and_vocs(rows, seed, ties):
    from sklearn.metrics import average_precision_score

    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(rows, generator=generator)
    scores = scores.round() if ties else scores
    targets = torch.rand(rows, generator=generator) < 0.3
    targets[0] = True
    steps, eleven = average_precision(scores, targets)
    assert steps == pytest.approx(average_precision_score(targets.numpy(), scores.numpy()))
    assert eleven == pytest.approx(eleven_points_by_hand(scores, targets))


def test_mean_average_precision_is_of_the_classes_that_occur():
    targets = torch.tensor([[True, True, False], [False, True, False]])
    scores = torch.tensor([[2.0, 0.0, 9.0], [1.0, 1.0, 9.0]])
    assert multi_label_metrics(scores, targets) == {
        "map": 1.0,
        "map_11_point": 1.0,
        "pictures": 2,
        "classes": 3,
    }
    with pytest.raises(UserError, match="no picture shows any"):
        multi_label_metrics(scores, torch.zeros(2, 3, dtype=torch.bool))

"""Facts about planted copies: which they are, that they are found, and what All less Clean is."""

import pytest
import torch
from small import write_image_folder

from clipbench.data.open import open_labelled
from clipbench.evaluate.overlap import COPIES, all_less_clean, copies, likeness, planted


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    write_image_folder(folder, {"cat": 8, "dog": 8})
    return open_labelled(str(folder))


def test_fewer_planted_copies_are_part_of_more_and_deals_differ():
    few, many = planted(100, 0.02, seed=0), planted(100, 0.2, seed=0)
    assert len(few) == 2 and len(many) == 20 and set(few.tolist()) <= set(many.tolist())
    assert many.tolist() != planted(100, 0.2, seed=1).tolist()


def test_all_less_clean_is_the_gain_of_the_pictures_with_a_copy():
    right = torch.tensor([True, True, False, False])
    assert all_less_clean(right, torch.tensor([0, 1])) == pytest.approx(0.5)
    assert all_less_clean(right, torch.tensor([2, 3])) == pytest.approx(-0.5)


def test_every_fourth_copy_is_exact_and_the_others_are_altered(pictures):
    ours, theirs = pictures.tensor(16), copies(pictures).tensor(16)
    same = [torch.equal(a, b) for a, b in zip(ours, theirs, strict=True)]
    assert same == [row % len(COPIES) == 0 for row in range(len(pictures))]


def test_a_planted_copy_is_the_most_similar_picture_and_is_found(pictures):
    test, others = pictures.subset(range(0, 16, 2)), pictures.subset(range(1, 16, 2))
    alike = likeness(test, others, copies(test))
    assert alike.found().all()
    wrong = torch.full_like(others.labels, 7)
    rows = torch.tensor([0, 3])
    answers = alike.answers(wrong, test.labels, rows)
    assert torch.equal(answers[rows], test.labels[rows])
    assert (answers == 7).any()

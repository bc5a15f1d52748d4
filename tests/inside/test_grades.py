"""Facts about grades from truth: planted directions get what they deserve, luck gets a half, and
scenes have the factors that their captions tell.
"""

import pytest
import torch

from clipbench.data.world.factors import COLOURS, STYLES
from clipbench.data.world.sprites import ART_SETS
from clipbench.errors import UserError
from clipbench.inside.graded_scenes import (
    ARTISTS,
    Factor,
    drawn_factors,
    factors_of,
    graded_captions,
    graded_scenes,
)
from clipbench.inside.grades import (
    followed_by,
    grade,
    mixing,
    principal_directions,
    probe_grades,
    random_directions,
    what_each_follows,
)

VALUES = ["a", "b", "c", "d"]


def noise(rows: int, directions: int, seed: int) -> torch.Tensor:
    return torch.randn(rows, directions, generator=torch.Generator().manual_seed(seed))


def factor(rows: int, seed: int, name: str = "letter") -> Factor:
    labels = torch.randint(4, (rows,), generator=torch.Generator().manual_seed(seed))
    return Factor(name, VALUES, labels)


# -------------------- grades


def test_planted_features_are_found_split_and_mixed():
    first, second = factor(600, 0), factor(600, 1)
    scores = [noise(600, 30, seed) for seed in (2, 3)]
    for each, truth in zip(scores, (first, second), strict=True):
        each[:, 7] += 5 * (truth.labels == 1)  # two features share b: splitting
        each[:, 8] += 5 * (truth.labels == 1)
        each[:, 9] += 5 * (truth.labels == 2)
    (grades,) = grade(*scores, [first], [second])
    assert int(grades.best[1]) in (7, 8) and int(grades.best[2]) == 9
    assert float(grades.auc[1]) > 0.99 and float(grades.auc[2]) > 0.99
    assert grades.splitting == 1.5 and mixing([grades]) == 1
    assert followed_by([grades], 9)[:2] == ("letter", "c")
    assert grades.mean == pytest.approx(float(grades.auc.mean()))


def test_what_a_feature_is_about_is_chosen_on_one_set_of_scenes_and_measured_on_another():
    letters, others = [factor(800, s) for s in (0, 1)], [factor(800, s, "other") for s in (2, 3)]
    scores = [torch.zeros(800, 4), torch.zeros(800, 4)]
    for each, letter, other in zip(scores, letters, others, strict=True):
        each[:, 0] = (letter.labels == 1).float()  # follows b
        rows = (other.labels == 2).nonzero()[:, 0][:40]
        each[rows, 1] = 1.0  # a part of c, and of nothing else
        each[::2, 2] = 1.0  # nothing
    whole, part, nothing, silent = what_each_follows(
        scores[0],
        scores[1],
        *([first, second] for first, second in zip(letters, others, strict=True)),
    )
    assert (whole.factor, whole.value, whole.auc, whole.when_active) == ("letter", "b", 1, 1)
    assert whole.follows and whole.known and not whole.answers_to_part and whole.lift == 1
    assert whole.ever == pytest.approx(float((letters[1].labels == 1).float().mean()))
    assert (part.factor, part.value, part.answered, part.lift) == ("other", "c", 40, 1)
    assert part.answers_to_part and part.known and part.auc < 0.7
    assert not nothing.known and abs(nothing.lift) < 0.2 and nothing.answered == 400
    assert not silent.known and silent.auc == 0.5 and silent.answered == 0


def test_a_feature_of_two_factors_is_mixed():
    letters, numbers = (
        [factor(400, s, name) for s in (k, k + 1)] for k, name in ((0, "l"), (5, "n"))
    )
    scores = [noise(400, 5, seed) for seed in (8, 9)]
    for k, each in enumerate(scores):
        each[:, 2] += 6 * (letters[k].labels == 0) + 6 * (numbers[k].labels == 3)
    grades = grade(*scores, [letters[0], numbers[0]], [letters[1], numbers[1]])
    assert mixing(grades) == 2


def test_the_best_of_many_lucky_directions_earns_a_half():
    grades = grade(noise(300, 2000, 0), noise(300, 2000, 1), [factor(300, 2)], [factor(300, 3)])
    assert float(grades[0].auc.mean()) == pytest.approx(0.5, abs=0.04)
    assert grades[0].splitting == 0 and mixing(grades) == 0


def test_a_direction_without_a_sign_may_answer_less():
    truths = [factor(300, 0), factor(300, 1)]
    scores = [noise(300, 3, k) - 5 * (truths[k].labels == 2).float()[:, None] for k in (0, 1)]
    one, both = (
        grade(*scores, truths[:1], truths[1:], both_ways=way)[0].auc[2] for way in (False, True)
    )
    assert float(one) < 0.1 and float(both) > 0.9


def test_rows_where_the_question_does_not_arise_do_not_count():
    truths = [factor(400, 0), factor(400, 1)]
    scores = [noise(400, 2, k) + 5 * (truths[k].labels == 1).float()[:, None] for k in (0, 1)]
    for truth, each in zip(truths, scores, strict=True):
        truth.labels[:100] = -1
        each[:100] = 99.0
    assert float(grade(*scores, truths[:1], truths[1:])[0].auc[1]) > 0.99


def test_a_factor_with_one_value_has_no_grade():
    only = Factor("letter", VALUES, torch.zeros(50, dtype=torch.int64))
    with pytest.raises(ValueError, match="two are needed"):
        grade(noise(50, 2, 0), noise(50, 2, 1), [only], [only])


def test_a_probe_reads_what_no_single_direction_shows():
    """Whether two numbers agree in sign is in their product only; in one of them it is plain."""
    truths = [factor(800, k) for k in (0, 1)]
    rows = [noise(800, 6, 2 + k) for k in (0, 1)]
    hidden = random_directions(4, 6, seed=5)
    rows = [x + 2.5 * hidden[truth.labels] for x, truth in zip(rows, truths, strict=True)]
    found = probe_grades(rows[0], truths[:1], rows[1], truths[1:])
    units = grade(*rows, truths[:1], truths[1:], both_ways=True)[0].mean
    assert found["letter"] > 0.85 and found["letter"] > units


def test_principal_directions_are_orthonormal_and_ordered():
    rows = noise(500, 4, 0) * torch.tensor([1.0, 5.0, 2.0, 3.0])
    axes = principal_directions(rows)
    torch.testing.assert_close(axes @ axes.T, torch.eye(4), atol=1e-5, rtol=0)
    assert axes.abs().argmax(1).tolist() == [1, 3, 2, 0]


# -------------------- scenes


def test_scenes_have_the_factors_that_they_show():
    names, drawn = drawn_factors("heldout", 600, 16)
    artist = drawn.draws.category("artist", ARTISTS)
    found = {each.name: each for each in factors_of(drawn, artist, names)}
    values = {"colour": len(COLOURS), "style": len(STYLES), "artist": len(ART_SETS), "sign": 2}
    assert {name: len(found[name].values) for name in values} == values
    for each in found.values():
        assert int(each.labels.min()) >= -1 and int(each.labels.max()) < len(each.values)
        assert len(each.labels) == 600
    alone = drawn.count == 0
    assert (found["concept"].labels[alone] == -1).all()
    assert (found["sign word"].labels[alone] >= 0).all()
    assert (found["count"].labels[~alone] == drawn.count[~alone] - 1).all()
    assert torch.equal(found["sign word"].labels >= 0, found["sign"].labels == 1)
    left = found["position"].labels == 0
    assert bool(left.any()) and (drawn.x[left, 0] < 0.4).all()


def test_splits_draw_different_scenes_and_pictures_follow_their_rows():
    scenes = [graded_scenes(split, 12, 8) for split in ("train", "search", "heldout")]
    pictures = [each.pictures.pictures(range(12)) for each in scenes]
    assert len({tuple(p.tobytes() for p in some) for some in pictures}) == 3
    (fifth,) = scenes[0].pictures.pictures([5])
    assert fifth.tobytes() == pictures[0][5].tobytes()


def test_captions_come_in_every_language():
    captions, (language, concept) = graded_captions("train", 200, 8)
    assert len(captions) == 200 and set(language.labels.tolist()) == set(range(5))
    chinese = language.values.index("zh")
    for caption, spoken in zip(captions, language.labels.tolist(), strict=True):
        if spoken == language.values.index("en"):
            assert not any("\u4e00" <= letter <= "\u9fff" for letter in caption)
    assert any(
        "\u4e00" <= letter <= "\u9fff"
        for caption, spoken in zip(captions, language.labels.tolist(), strict=True)
        if spoken == chinese
        for letter in caption
    )
    assert len(concept.values) == 8


@pytest.mark.parametrize("wrong", [("test", 5), ("train", 0)])
def test_impossible_scenes_are_refused(wrong):
    with pytest.raises(UserError):
        graded_scenes(*wrong)

"""Certified logistic regression: scikit-learn's optimum, a bound that is one, closed forms, and
what is refused.
"""

import warnings

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from small import one_line, small_encoder

from clipbench import UserError, image_features
from clipbench.data.open import open_pictures
from clipbench.evaluate.probes import logistic
from clipbench.evaluate.probes.logistic import Problem, certify, fit, line_search, to_dual_feasible
from clipbench.model import VisionTransformer, ViTConfig


def cone(rows: int, width: int, classes: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Unit vectors about a common mean, with a decaying spectrum: what an image encoder gives."""
    generator = torch.Generator().manual_seed(seed)
    scale = torch.arange(1, width + 1).pow(-0.6)
    labels = torch.arange(rows) % classes
    means = torch.randn(classes, width, generator=generator) * scale
    features = (
        0.4 * means[labels]
        + torch.randn(rows, width, generator=generator) * scale
        + 3 * scale.norm()
    )
    return F.normalize(features, dim=1), labels


def scikit_learn(features, labels, C: float):
    """Its solution run to convergence, as (weights (W, C), intercept (C,)); two classes as half
    of w and -w.
    """
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=C, tol=1e-10, max_iter=100_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the last digit of the line search
        model.fit(features.double().numpy(), labels.numpy())
    weights, intercept = torch.from_numpy(model.coef_), torch.from_numpy(model.intercept_)
    if len(weights) == 1:
        weights, intercept = (
            torch.cat([-weights, weights]) / 2,
            torch.cat([-intercept, intercept]) / 2,
        )
    return weights.T, intercept


# -------------------- scikit-learn's optimum


def same_as_scikit_learn(features, labels, C: float) -> None:
    """On every fourth row as the test set: objective within 1e-6, accuracy within 0.1 point."""
    test = torch.arange(len(labels)) % 4 == 0
    problem = Problem(features[~test], labels[~test])
    ours = fit(problem, C)
    theirs = certify(problem, *scikit_learn(features[~test], labels[~test], C), C)
    assert ours.converged and ours.gap <= 1e-6
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-6)
    right = [
        (each.logits(features[test]).argmax(1) == labels[test]).double().mean()
        for each in (ours, theirs)
    ]
    assert abs(right[0] - right[1]) <= 0.001 + 1e-9


@pytest.mark.parametrize("C", [1e-4, 0.316, 100.0])
def test_cone_shaped_features_reach_scikit_learns_optimum(C):
    same_as_scikit_learn(*cone(600, 40, 7), C)


@pytest.mark.parametrize("C", [1e-4, 0.1])
def test_raw_pixels_of_digits_reach_it(C):
    from sklearn.datasets import load_digits

    data = load_digits()
    same_as_scikit_learn(torch.from_numpy(data.data / 16), torch.from_numpy(data.target).long(), C)


def test_features_of_a_random_transformer_reach_it():
    data = open_pictures("digits").subset(range(0, 1797, 6))
    same_as_scikit_learn(image_features(small_encoder(), data, projected=False), data.labels, 0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "model, data",
    [("classroom", "digits"), ("tiny", "scenes:heldout256"), ("classroom", "twemoji")],
)
def test_features_of_the_shipped_models_reach_it(model, data):
    from clipbench.encoders.clip import load

    pictures = open_pictures(data)
    chosen = (pictures.labels < 20).nonzero()[:, 0].tolist()[:600]
    pictures = pictures.subset(chosen)
    same_as_scikit_learn(
        image_features(load(model), pictures, projected=False), pictures.labels, 0.01
    )


@pytest.mark.slow
def test_features_of_a_random_vit_b_32_reach_it():
    """As wide as the paper's, and wider than there are rows."""
    torch.manual_seed(0)
    tower = VisionTransformer(
        ViTConfig(image_size=224, patch_size=32, width=768, depth=12, heads=12)
    ).eval()
    data = open_pictures("digits").subset(range(0, 1797, 12))
    with torch.inference_mode():
        features = tower(data.tensor(224).float() / 127.5 - 1)
    same_as_scikit_learn(features, data.labels, 0.1)


def test_two_classes_have_scikit_learns_objective():
    features, labels = cone(200, 12, 2)
    ours = fit(Problem(features, labels), 10.0)
    weights, intercept = scikit_learn(features, labels, 10.0)
    w, b = weights[:, 1] - weights[:, 0], intercept[1] - intercept[0]
    margin = (2 * labels - 1) * (features.double() @ w + b)
    theirs = float(w @ w / 2 + 10 * F.softplus(-margin).sum())
    assert ours.objective == pytest.approx(theirs, rel=1e-6)


def test_fewer_rows_than_columns_lose_nothing():
    features, labels = cone(30, 200, 5)
    ours = fit(Problem(features, labels), 1.0, target=1e-10)
    theirs = certify(Problem(features, labels), *scikit_learn(features, labels, 1.0), 1.0)
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-9)


@pytest.mark.parametrize("C", [1e-6, 1.0, 1e6])
def test_every_strength_converges_on_features_in_a_cone(C):
    assert fit(Problem(*cone(500, 64, 10)), C).gap <= 1e-6


def test_a_start_elsewhere_changes_the_way_and_not_the_end():
    problem = Problem(*cone(300, 20, 4))
    cold, warm = fit(problem, 10.0), fit(problem, 10.0, start=fit(problem, 1000.0))
    assert cold.objective == pytest.approx(warm.objective, rel=2e-6)


def test_rotating_and_shifting_the_features_changes_no_optimum():
    features, labels = cone(200, 10, 3)
    rotation = torch.linalg.qr(torch.randn(10, 10)).Q
    one, other = (
        fit(Problem(x, labels), 5.0, target=1e-9) for x in (features, features @ rotation + 2)
    )
    assert one.objective == pytest.approx(other.objective, rel=1e-6)  # float32 features


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_every_number_format_of_the_products_gives_the_same_optimum(dtype, monkeypatch):
    monkeypatch.setattr(logistic, "product_formats", lambda device: [dtype])
    features, labels = cone(400, 32, 6)
    result = fit(Problem(features, labels), 100.0)
    monkeypatch.setattr(logistic, "product_formats", lambda device: [torch.float64])
    exact = fit(Problem(features, labels), 100.0)
    assert result.converged and result.objective == pytest.approx(exact.objective, rel=1e-6)


# -------------------- the certificate


@given(st.integers(0, 10_000), st.floats(-6, 4), st.floats(-8, 1), st.integers(2, 5))
def test_no_bound_lies_above_the_optimum(seed, log_C, log_noise, classes):
    """Perturbed weights: the certified gap is at least the true one."""
    C = 10.0**log_C
    problem = Problem(*cone(40, 6, classes, seed))
    best = fit(problem, C, target=1e-11)
    generator = torch.Generator().manual_seed(seed)
    noise = 10**log_noise * torch.randn(
        best.weights.shape, generator=generator, dtype=torch.float64
    )
    result = certify(problem, best.weights + noise, best.intercept, C)
    assert result.bound <= best.objective * (1 + 1e-10)
    assert result.gap >= (result.objective - best.objective) / best.objective - 1e-10


def test_the_bound_is_tight_near_the_optimum():
    problem = Problem(*cone(300, 20, 5))
    best = fit(problem, 10.0, target=1e-12)
    result = certify(problem, best.weights * (1 + 1e-3), best.intercept, 10.0)
    true = (result.objective - best.objective) / best.objective
    assert true > 1e-8 and result.gap < 1.5 * true


def test_too_few_steps_are_reported_as_not_converged(monkeypatch):
    monkeypatch.setattr(logistic, "NEWTON_STEPS", 1)
    monkeypatch.setattr(logistic, "CG_STEPS", 1)
    result = fit(Problem(*cone(300, 20, 5)), 1e4)
    assert not result.converged and result.gap > 1e-6


def test_a_step_that_does_not_pay_at_any_length_is_not_taken():
    problem = Problem(*cone(40, 6, 3))
    V = problem.rows.new_zeros(problem.rows.shape[1], len(problem.present))
    logits = problem.rows @ V
    objective, total = problem.objective(V, logits, 1.0)
    uphill = problem.rows.T @ (total.exp().reciprocal() * logits.exp() - problem.targets)
    length, *same = line_search(
        problem, V, uphill, logits, problem.rows @ uphill, objective, 1.0, 1.0
    )
    assert (
        length == 0
        and same[2] == objective
        and torch.equal(same[0], V)
        and torch.equal(same[3], total)
    )


@given(st.integers(0, 1000), st.integers(2, 9), st.integers(2, 5))
def test_any_matrix_becomes_feasible(seed, rows, classes):
    generator = torch.Generator().manual_seed(seed)
    P = torch.randn(rows, classes, generator=generator, dtype=torch.float64)
    sums = torch.randint(classes, (rows,), generator=generator).bincount(minlength=classes).double()
    feasible = to_dual_feasible(P, sums)
    assert feasible.min() >= 0
    torch.testing.assert_close(feasible.sum(1), torch.ones(rows, dtype=torch.float64))
    torch.testing.assert_close(feasible.sum(0), sums)


# -------------------- closed forms


def test_without_strength_the_probabilities_are_the_class_frequencies():
    features, _ = cone(60, 8, 3)
    labels = torch.tensor([0] * 30 + [1] * 20 + [2] * 10)
    result = fit(Problem(features, labels), 1e-9, target=1e-11)
    probabilities = result.logits(features).softmax(1)
    frequencies = torch.tensor([[0.5, 1 / 3, 1 / 6]]).expand(60, 3)
    torch.testing.assert_close(probabilities.float(), frequencies, rtol=0, atol=1e-5)


def test_two_mirrored_rows_have_the_solution_of_one_equation():
    """x = +-1, y = its sign: w = 2 C / (1 + e^w), b = 0 (from the derivative of w^2 / 2 + 2 C
    log(1 + e^-w)).
    """
    from scipy.optimize import brentq

    C = 3.0
    w = brentq(lambda w: w - 2 * C / (1 + torch.tensor(w).exp().item()), 0, 10)
    result = fit(Problem(torch.tensor([[1.0], [-1.0]]), torch.tensor([1, 0])), C, target=1e-13)
    assert float(result.weights[0, 1] - result.weights[0, 0]) == pytest.approx(w, rel=1e-5)
    assert float(result.intercept[1] - result.intercept[0]) == pytest.approx(0, abs=1e-6)


def test_features_that_say_nothing_give_the_entropy_of_the_labels():
    features, labels = torch.ones(8, 3), torch.tensor([0, 0, 0, 0, 1, 1, 2, 2])
    result = fit(Problem(features, labels), 2.0)
    frequencies = torch.tensor([0.5, 0.25, 0.25])
    assert result.objective == pytest.approx(
        2 * 8 * float(torch.special.entr(frequencies).sum()), rel=1e-6
    )


def test_a_class_without_rows_is_never_predicted():
    features, labels = cone(60, 8, 3)
    result = fit(Problem(features, labels * 2, classes=6), 1.0)
    assert result.logits(features).shape == (60, 6) and result.converged
    assert set(result.logits(features).argmax(1).tolist()) <= {0, 2, 4}


# -------------------- bad input


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda x, y: (x, y[:-1]), "10 rows of features but 9 labels"),
        (lambda x, y: (x, y * 0), "a classifier needs two classes"),
        (
            lambda x, y: (x.index_fill(0, torch.tensor([3]), float("nan")), y),
            "1 of 10 rows of features hold NaN",
        ),
        (lambda x, y: (x[:0], y[:0]), "no rows"),
        (lambda x, y: (x, y - 1), "labels must lie from 0"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_one_line(change, message):
    with pytest.raises(UserError) as error:
        Problem(*change(*cone(10, 4, 2)), classes=2)
    assert message in one_line(error.value)


@pytest.mark.gpu
def test_a_gpu_reaches_the_same_optimum():
    features, labels = cone(500, 64, 10)
    here, there = (
        fit(Problem(features, labels), 10.0),
        fit(Problem(features.cuda(), labels.cuda()), 10.0),
    )
    assert there.converged and here.objective == pytest.approx(there.objective, rel=2e-6)

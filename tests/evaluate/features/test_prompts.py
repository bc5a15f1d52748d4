"""Facts about prompts: what is encoded when, which templates are chosen, and that a library
gives the same answers.
"""

import pytest
import torch
import torch.nn.functional as F
from small import noise_picture, small_encoder, write_small_model
from terminal import watched

from clipbench import UserError, load, zero_shot_weights
from clipbench.evaluate.features.prompts import Ensemble, Prompts
from clipbench.evaluate.template_selection import Pictures, best_length, forward_selection, halves
from clipbench.evaluate.zero_shot import (
    class_probabilities,
    judge_by_probabilities,
    judge_zero_shot,
)

NAMES = ["cat", "red car", "sun", "two dogs"]
TEMPLATES = ["a photo of a {}.", "a {}", "{}!", "a drawing of a {}."]


class CountingEncoder:
    """An encoder that notes the texts it was asked for."""

    def __init__(self, encoder):
        self.encoder, self.asked = encoder, []

    def __getattr__(self, name):
        return getattr(self.encoder, name)

    def encode_text(self, texts):
        self.asked += texts
        return self.encoder.encode_text(texts)


@pytest.fixture
def counting():
    return CountingEncoder(small_encoder())


def test_after_one_template_was_edited_only_its_texts_are_encoded(counting, tmp_path):
    prompts = Prompts(counting, NAMES, tmp_path)
    prompts.weights(TEMPLATES)
    assert len(counting.asked) == 16
    counting.asked.clear()
    prompts.weights(["a photo of the {}.", *TEMPLATES[1:]])
    assert sorted(counting.asked) == sorted(f"a photo of the {name}." for name in NAMES)


def test_the_next_run_encodes_nothing_and_has_the_same_weights(counting, tmp_path):
    first = Prompts(counting, NAMES, tmp_path).weights(TEMPLATES)
    counting.asked.clear()
    assert (
        torch.equal(Prompts(counting, NAMES, tmp_path).weights(TEMPLATES), first)
        and not counting.asked
    )
    Prompts(counting, [*NAMES, "fish"], tmp_path).weights(TEMPLATES)
    assert len(counting.asked) == 20, "other classes, other files"
    other = CountingEncoder(small_encoder(seed=1))
    assert (
        not torch.equal(Prompts(other, NAMES, tmp_path).weights(TEMPLATES), first)
        and len(other.asked) == 16
    )


def test_a_damaged_or_unwritable_cache_costs_time_only(counting, tmp_path):
    first = Prompts(counting, NAMES, tmp_path).weights(TEMPLATES)
    for file in tmp_path.glob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:50])
    assert (
        torch.equal(Prompts(counting, NAMES, tmp_path).weights(TEMPLATES), first)
        and len(counting.asked) == 32
    )
    (tmp_path / "file").write_text("")
    with pytest.warns(UserWarning, match="not kept"):
        assert torch.equal(Prompts(counting, NAMES, tmp_path / "file").weights(TEMPLATES), first)


def test_nothing_is_printed_where_nobody_watches(counting, tmp_path, capsys):
    Prompts(counting, NAMES, tmp_path).weights(["a {}"])
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("wanted", [{}, {"progress": False}], ids=["usually", "without"])
def test_a_bar_shows_the_texts_unless_it_was_not_wanted(counting, tmp_path, monkeypatch, wanted):
    terminal = watched(monkeypatch, seconds=0.0)
    Prompts(counting, NAMES, tmp_path, **wanted).weights(["a {}"])
    assert bool(terminal.getvalue()) == (not wanted)


def test_a_bad_template_is_told_before_anything_is_encoded(counting, tmp_path):
    with pytest.raises(UserError, match="needs {} once"):
        Prompts(counting, NAMES, tmp_path).weights(["a {}", "a photo"])
    assert not counting.asked


def test_the_weights_are_those_of_zero_shot_weights(counting, tmp_path):
    ours = Prompts(counting, NAMES, tmp_path).weights(TEMPLATES)
    # float32, and texts that are padded otherwise
    torch.testing.assert_close(
        ours, zero_shot_weights(small_encoder(), NAMES, TEMPLATES), rtol=0, atol=1e-5
    )


def test_an_exchanged_template_gives_the_weights_of_a_new_ensemble():
    features = F.normalize(torch.randn(6, 5, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    ensemble = Ensemble(features[:5])
    for _ in range(100):  # there and back again
        ensemble.exchange(features[1], features[5])
        ensemble.exchange(features[5], features[1])
    assert torch.equal(ensemble.weights(), Ensemble(features[:5]).weights())
    ensemble.exchange(features[1], features[5])
    expected = Ensemble(features[[0, 5, 2, 3, 4]]).weights()
    torch.testing.assert_close(ensemble.weights(), expected, rtol=0, atol=1e-7)


# -------------------- parity


def written_out(encoder, pictures, class_names, templates, scale):
    """The paper's recipe in loops and float64: (classes by embedding ensemble, mean
    probabilities).
    """
    images = [
        encoder.encode_image(encoder.preprocess([picture]))[0].double() for picture in pictures
    ]
    classes, probabilities = [], []
    for image in images:
        image = image / image.norm()
        scores, each = [], torch.zeros(len(templates), len(class_names), dtype=torch.float64)
        for c, name in enumerate(class_names):
            vectors = []
            for t, template in enumerate(templates):
                text = encoder.encode_text([template.format(name)])[0].double()
                vectors.append(text / text.norm())
                each[t, c] = scale * (image @ vectors[-1])
            mean = sum(vectors) / len(vectors)
            scores.append(float(image @ (mean / mean.norm())))
        classes.append(scores.index(max(scores)))
        probabilities.append((each.exp() / each.exp().sum(1, keepdim=True)).mean(0))
    return classes, torch.stack(probabilities)


def test_both_ensembles_answer_as_the_written_out_recipe(tmp_path):
    encoder, pictures = small_encoder(), [noise_picture(40, 40, seed) for seed in range(8)]
    features = encoder.encode_image(encoder.preprocess(pictures))
    prompts = Prompts(encoder, NAMES, tmp_path)
    classes, probabilities = written_out(encoder, pictures, NAMES, TEMPLATES, 3.0)
    labels = torch.zeros(8, dtype=torch.int64)
    assert (
        judge_zero_shot(features, labels, prompts.weights(TEMPLATES)).predictions.tolist()
        == classes
    )
    by_probability = judge_by_probabilities(features, labels, prompts.of_all(TEMPLATES), 3.0)
    assert by_probability.predictions.tolist() == probabilities.argmax(1).tolist()
    assert by_probability.ranks.tolist() == (probabilities > probabilities[:, :1]).sum(1).tolist()


def test_transformers_pipeline_gives_the_same_probabilities(tmp_path):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    folder = write_small_model(tmp_path / "model")
    model = transformers.CLIPModel.from_pretrained(folder, local_files_only=True)
    pipeline = transformers.pipeline(
        "zero-shot-image-classification",
        model=model,
        tokenizer=transformers.CLIPTokenizerFast.from_pretrained(folder),
        image_processor=transformers.AutoImageProcessor.from_pretrained(folder, use_fast=False),
    )
    encoder, pictures = load(folder), [noise_picture(47, 61, seed) for seed in range(4)]
    weights = Prompts(encoder, NAMES, tmp_path / "prompts").weights(TEMPLATES[:1])
    _, ours = class_probabilities(
        encoder.encode_image(encoder.preprocess(pictures)), weights, encoder.scale
    )
    template = TEMPLATES[0]
    for picture, probabilities in zip(pictures, ours, strict=True):
        told = pipeline(picture, candidate_labels=NAMES, hypothesis_template=template)
        theirs = {row["label"]: row["score"] for row in told}
        # their scale is 14: 1e-5 in a cosine is 1e-4 in a probability
        assert probabilities.tolist() == pytest.approx([theirs[name] for name in NAMES], abs=1e-4)


# -------------------- template selection


def test_halves_share_every_class():
    labels = torch.tensor([0] * 5 + [1] * 2 + [2])
    validation, test = halves(torch.arange(8.0)[:, None], labels)
    assert validation.labels.tolist() == [0, 0, 1] and test.labels.tolist() == [0, 0, 0, 1, 2]
    assert sorted(torch.cat([validation.features, test.features])[:, 0].tolist()) == list(range(8))
    with pytest.raises(UserError, match="every class has one picture"):
        halves(torch.zeros(3, 2), torch.arange(3))


def test_the_template_that_tells_classes_apart_is_chosen_first():
    """Three templates: noise that is wrong, the truth, and one that says nothing."""
    truth = torch.eye(3)
    prompts = torch.stack([truth[[1, 2, 0]], truth, truth[[0, 0, 0]]])
    pictures = Pictures(truth[[0, 1, 2, 2]], torch.tensor([0, 1, 2, 2]))
    steps = forward_selection(prompts, pictures, pictures, most=3)
    assert steps[0].template == 1 and steps[0].validation == 1.0 and steps[0].test.correct.all()
    assert sorted(step.template for step in steps) == [0, 1, 2] and best_length(steps) == 1


def test_forward_selection_is_the_best_next_step_by_brute_force():
    generator = torch.Generator().manual_seed(3)
    prompts = F.normalize(torch.randn(5, 4, 6, generator=generator), dim=-1)
    features = F.normalize(torch.randn(60, 6, generator=generator), dim=-1)
    validation, test = halves(features, torch.randint(0, 4, (60,), generator=generator))
    chosen = []
    for step in forward_selection(prompts, validation, test, most=4):

        def accuracy(template, data=validation):
            weights = F.normalize(prompts[[*chosen, template]].mean(0), dim=-1).T
            return float(((data.features @ weights).argmax(1) == data.labels).float().mean())

        best = max((t for t in range(5) if t not in chosen), key=accuracy)
        assert step.template == best and step.validation == pytest.approx(accuracy(best))
        assert float(step.test.correct.float().mean()) == pytest.approx(accuracy(best, test))
        chosen.append(best)

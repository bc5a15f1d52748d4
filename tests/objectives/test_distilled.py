"""Learning from a teacher: the loss written out, and a teacher that stays as it is."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from small import one_line, small_clip, small_config, write_small_model
from trainers import EightPairs

from clipbench import Machine, ModelBundle, TrainConfig, Trainer, UserError
from clipbench.cli import main
from clipbench.model import CLIP
from clipbench.objectives import make_objective
from clipbench.objectives.distilled import FEATURES, LOGITS
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import world_tokenizer
from clipbench.training.teacher import load_teacher

TOKENIZER = world_tokenizer()


def another_clip(seed: int) -> CLIP:
    torch.manual_seed(seed)
    return CLIP(small_config())


def student_of(preprocess: Preprocess) -> ModelBundle:
    return ModelBundle(small_clip(), TOKENIZER, preprocess)


def answers_of(objective):
    pairs = EightPairs()(0, 8)
    return objective(Preprocess(32).normalise(pairs.images), objective.targets(pairs, TOKENIZER))


def test_the_loss_is_the_contrastive_one_and_two_pulls_towards_the_teacher():
    student, teacher = another_clip(1), another_clip(2)
    objective = make_objective("distilled", student, teacher=teacher).eval()
    answers = answers_of(objective)
    logits = answers.scale * answers.images @ answers.texts.T
    taught = answers.teacher_scale * answers.teacher_images @ answers.teacher_texts.T
    right = torch.arange(8)
    own = (F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right)) / 2
    apart = 1 - F.cosine_similarity(answers.images, answers.teacher_images).mean()

    def kl(p, q):
        return (p.softmax(1) * (p.log_softmax(1) - q.log_softmax(1))).sum(1).mean()

    unlike = (kl(taught, logits) + kl(taught.T, logits.T)) / 2
    torch.testing.assert_close(
        objective.compare(*answers), own + FEATURES * apart + LOGITS * unlike
    )


def test_a_student_that_is_its_teacher_has_the_contrastive_loss_alone():
    objective = make_objective("distilled", small_clip(), teacher=small_clip()).eval()
    answers = answers_of(objective)
    contrastive = make_objective("contrastive", small_clip()).compare(*answers[:3])
    torch.testing.assert_close(objective.compare(*answers), contrastive)


@pytest.mark.parametrize("micro_batch", [None, 4])
def test_the_teacher_stays_as_it_is_and_is_not_saved(tmp_path, micro_batch):
    folder = write_small_model(tmp_path / "teacher")
    student = another_clip(1)
    before = [weight.clone() for weight in student.parameters()]
    recipe = TrainConfig(objective="distilled", teacher=str(folder), batch_size=8, pairs=16)
    bundle = ModelBundle(student, TOKENIZER, Preprocess(32))
    machine = Machine(precision="fp32", threads=1, micro_batch=micro_batch)
    trainer = Trainer(bundle, EightPairs(), recipe, machine=machine)
    (teacher,) = trainer.objective.taught_by
    kept = {name: weight.clone() for name, weight in teacher.state_dict().items()}
    trainer.run()
    assert all(torch.equal(kept[name], weight) for name, weight in teacher.state_dict().items())
    assert not teacher.training and not trainer.objective.heads()
    assert any(not torch.equal(a, b) for a, b in zip(before, student.parameters(), strict=True))


def test_a_teacher_that_does_not_fit_is_refused():
    wide = CLIP(replace(small_config(), embed_dim=48))
    with pytest.raises(UserError, match="vectors of 48 numbers"):
        make_objective("distilled", small_clip(), teacher=wide)
    with pytest.raises(UserError, match="needs a teacher"):
        TrainConfig(objective="distilled", pairs=8)
    with pytest.raises(UserError, match="no other training has one"):
        TrainConfig(teacher="tiny", pairs=8)


@pytest.mark.parametrize(
    "name, message",
    [
        ("twin:simclr", "twin:simclr cannot teach: it was trained with the objective simclr"),
        ("twin:nobody", "no twin 'nobody'"),
    ],
)
def test_a_teacher_that_is_no_clip_is_refused(name, message):
    with pytest.raises(UserError) as error:
        load_teacher(name, student_of(Preprocess(64)))
    assert message in one_line(error.value)


def test_a_teacher_that_reads_otherwise_is_refused():
    with pytest.raises(UserError, match="its scale of pixels is not that"):
        load_teacher("tiny", student_of(Preprocess(64, std=(0.5, 0.5, 0.5))))


def test_an_objective_beside_a_teacher_is_refused(tmp_path, capsys):
    both = ["--teacher", "tiny", "--objective", "sigmoid", "--out", str(tmp_path / "run")]
    assert main(["train", "--preset", "tiny-vit", *both]) == 2
    assert "leave --objective out" in one_line(capsys.readouterr().err.rstrip())


def test_the_command_line_takes_a_teacher(tmp_path, capsys):
    tiny = ["--pairs", "16", "--batch-size", "8", "--threads", "1", "--precision", "fp32"]
    out = str(tmp_path / "run")
    assert main(["train", "--preset", "tiny-vit", "--teacher", "tiny", "--out", out, *tiny]) == 0
    assert "16" in capsys.readouterr().out

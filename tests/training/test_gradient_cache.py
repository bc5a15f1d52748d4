"""Facts about micro-batches: with the cache they change no gradient, without it they change the
loss itself.
"""

import pytest
import torch
from small import BAG_OF_WORDS, CONVNET, RESNET, one_line, small_clip
from trainers import assert_same_bits, make_trainer, micro_batch_trainer

from clipbench import UserError
from clipbench.training.gradient_cache import accumulated_gradients, refuse_batch_statistics
from clipbench.training.trainer import Trainer


def gradients(trainer: Trainer) -> tuple[float, dict[str, torch.Tensor]]:
    """(loss, every weight's gradient) of the first batch."""
    batch = trainer.draw()
    trainer.set_patch_dropout()
    loss, _ = trainer.backward(batch.images, trainer.tokenizer(batch.captions))
    return float(loss), {name: weight.grad for name, weight in trainer.model.named_parameters()}


def relative_difference(ours: dict, theirs: dict) -> float:
    assert ours.keys() == theirs.keys() and all(gradient is not None for gradient in ours.values())
    distance = sum((ours[name] - theirs[name]).double().square().sum() for name in ours) ** 0.5
    return float(
        distance / sum(gradient.double().square().sum() for gradient in theirs.values()) ** 0.5
    )


def test_pairs_drawn_in_micro_batches_are_those_drawn_at_once():
    at_once, in_parts = (micro_batch_trainer(size).draw() for size in (None, 7))
    assert torch.equal(at_once.images, in_parts.images) and at_once.captions == in_parts.captions
    assert len(set(at_once.captions)) == len(at_once.captions) == 24


@pytest.mark.parametrize(
    "settings", [{}, {"patch_dropout": 0.5}], ids=["whole pictures", "patch dropout"]
)
@pytest.mark.parametrize("micro_batch", [1, 5, 8, 23])
def test_micro_batches_change_no_gradient(micro_batch, settings):
    whole, direct = gradients(micro_batch_trainer(**settings))
    loss, cached = gradients(micro_batch_trainer(micro_batch, **settings))
    assert loss == pytest.approx(whole, rel=1e-6)
    assert relative_difference(cached, direct) < 1e-6  # float32, summed in another order


def test_the_second_encoding_drops_the_same_patches_as_the_first(monkeypatch):
    trainer, seen = micro_batch_trainer(8, patch_dropout=0.5), []
    encode = trainer.encode

    def watched(images, token_ids):
        outputs = encode(images, token_ids)
        seen.append(outputs[0].detach())
        return outputs

    monkeypatch.setattr(trainer, "encode", watched)
    gradients(trainer)
    first, second = torch.cat(seen[:3]), torch.cat(seen[3:])
    assert torch.equal(first, second)


def test_averaging_the_gradients_of_micro_batches_is_something_else():
    loss, direct = gradients(micro_batch_trainer())
    trainer = micro_batch_trainer()
    batch = trainer.draw()
    token_ids = trainer.tokenizer(batch.captions)
    accumulated_gradients(trainer.encode, trainer.compare, batch.images, token_ids, 8)
    naive = {name: weight.grad for name, weight in trainer.model.named_parameters()}
    assert relative_difference(naive, direct) > 0.1
    parts = zip(batch.images.split(8), token_ids.split(8), strict=True)
    small_losses = [float(trainer.loss(*part)[0].detach()) for part in parts]
    assert sum(small_losses) / 3 < loss - 0.5, (
        "among 8 texts the right one is easier to find than among 24"
    )


def test_a_run_in_micro_batches_goes_on_to_the_same_bits(tmp_path):
    settings = {"micro_batch": 7, "patch_dropout": 0.5}
    whole, first, second = (
        micro_batch_trainer(out=out, **settings) for out in (None, tmp_path, tmp_path)
    )
    whole.run()
    first.callbacks.append(lambda event: first.stop() if event["step"] == 2 else None)
    first.run()
    second.resume()
    second.run()
    assert_same_bits(whole, second)


@pytest.mark.parametrize("image", [CONVNET, RESNET], ids=["convnet", "resnet"])
def test_batch_statistics_are_refused_in_one_line(image):
    with pytest.raises(UserError, match="BatchNorm.*tiny-vit") as error:
        refuse_batch_statistics(small_clip(image), "--micro-batch")
    one_line(error.value)
    refuse_batch_statistics(small_clip(text=BAG_OF_WORDS), "--micro-batch")


def test_a_trainer_with_batch_statistics_refuses_micro_batches():
    with pytest.raises(UserError, match="BatchNorm"):
        make_trainer(image=CONVNET, machine={"micro_batch": 4})
    assert make_trainer(image=CONVNET, machine={"micro_batch": 8}).micro_batch == 8  # which is none

"""What tests/gpu measures on a card, rehearsed on the CPU in tiny sizes, so that it runs when
there is a card.
"""

import pytest
from gpu_measurements import CARD, REHEARSAL, for_memory, huge_batch, lesson, plain_step, training
from random_checkpoint import write_hub_cache


def test_a_training_is_measured():
    found = training(REHEARSAL)
    assert found["pairs_per_second"] > 0 and abs(found["below_guessing"]) < 5


def test_a_plain_step_is_measured():
    found = plain_step(REHEARSAL)
    assert found["tflops"] > 0 and found["of_own_product"] > 0
    assert found["mfu"] is None and found["peak_gb"] is None, "a card's figures"


def test_a_huge_batch_is_measured():
    found = huge_batch(REHEARSAL)
    assert found["seconds"] > 0 and found["times_plain"] > 0


def test_a_card_with_little_memory_gets_smaller_batches():
    assert for_memory(CARD, 80) == CARD
    small = for_memory(CARD, 16)
    assert small.huge % small.micro == 0 and small.batch < CARD.batch and small.model == CARD.model


@pytest.mark.slow
def test_a_lesson_is_measured(tmp_path):
    (number,) = REHEARSAL.lessons
    found = lesson(REHEARSAL, number, write_hub_cache(tmp_path, REHEARSAL.checkpoint))
    assert (found["device"], found["precision"]) == ("cpu", "fp32")

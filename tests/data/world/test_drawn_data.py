"""What models were trained on is drawn the same today and next year: captions, scenes and
generated pages.
"""

import json

import numpy as np
import pytest
from drawn_data import FILE, captions_of, pages, scenes

from clipbench.data.alter.documents import KINDS

FROZEN = json.loads(FILE.read_text(encoding="utf-8"))
HELP = "the data that models were trained on changed; see tests/support/drawn_data.py"


def test_captions_of_training_are_those_they_were():
    assert captions_of(tiny=False) == FROZEN["captions"], HELP
    assert captions_of(tiny=True) == FROZEN["captions of the tiny world"], HELP


def test_scenes_of_training_look_as_they_did():
    # of 255, the mean of 64 pixels: rounding one of them otherwise moves it by 0.02, one decimal is
    # written
    assert np.abs(np.array(scenes()) - FROZEN["scenes"]).max() < 0.2, HELP


@pytest.mark.parametrize("kind", KINDS)
def test_generated_pages_look_as_they_did(kind):
    # versions of Pillow place letters differently by parts of a pixel; a line of 64 pixels is 4 of
    # 255
    assert np.abs(np.array(pages(kind)) - FROZEN[kind]).max() < 0.5, HELP

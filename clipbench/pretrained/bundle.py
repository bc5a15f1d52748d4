"""A model and the two things without which nobody can use it."""

from typing import NamedTuple

from clipbench.model import CLIP
from clipbench.preprocess import Preprocess
from clipbench.tokenizer import Tokenizer


class ModelBundle(NamedTuple):
    """A model with its tokenizer and preprocessing.

    It is what a folder holds, what an encoder wraps, and what a training run trains.
    """

    model: CLIP
    tokenizer: Tokenizer
    preprocess: Preprocess

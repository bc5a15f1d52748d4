"""open_clip as a reference: its models, its tokenizer, and the vocabulary of real CLIP models.

Every real CLIP uses that vocabulary, and open_clip carries it.
"""

import functools
import importlib
import shutil
import tempfile
from pathlib import Path

from clipbench.pretrained.open_clip_library import import_open_clip
from clipbench.tokenizer import Tokenizer

open_clip = import_open_clip()
open_clip_model = importlib.import_module("open_clip.model")
SimpleTokenizer = importlib.import_module("open_clip.tokenizer").SimpleTokenizer

# the real vocabulary, as published
OPENAI_BPE = Path(open_clip.__file__).with_name("bpe_simple_vocab_16e6.txt.gz")


@functools.cache
def real_tokenizer() -> Tokenizer:
    """Make the tokenizer of every real CLIP from OpenAI's file."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(OPENAI_BPE, folder)
        return Tokenizer.from_folder(folder, 77)

"""Rebuild the world's vocabulary of byte-pair merges.

The merges are learned from the world's captions and its names in five languages:

    python tools/assets/build_tokenizer.py
"""

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer as FastTokenizer
from tokenizers import models, pre_tokenizers, trainers

from clipbench.data.world.captions import caption_scenes
from clipbench.data.world.factors import draw_factors
from clipbench.data.world.sprites import concepts
from clipbench.tokenizer import END, START, Tokenizer, text_pipeline

FOLDER = Path(__file__).parents[2] / "clipbench" / "assets" / "tokenizer"
VOCAB_SIZE = 4096
CONTEXT_LENGTH = 32
SEED = 77  # a world that neither training nor evaluation uses


def corpus():
    """Yield the texts to learn from: captions, and every name and keyword several times.

    The repetition makes each of these a few tokens at most.
    """
    for start in range(0, 200_000, 8192):
        yield from caption_scenes(draw_factors(torch.arange(start, start + 8192), SEED))
    for concept in concepts():
        yield from [concept.name] * 40
        yield from concept.keywords * 10
        for name in concept.names.values():
            yield from [name] * 8


def learn() -> Tokenizer:
    fast = text_pipeline(FastTokenizer(models.BPE(end_of_word_suffix="</w>")))
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE - 2,
        initial_alphabet=letters,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    fast.train_from_iterator(corpus(), trainer)
    merges = learned_merges(fast)
    # CLIP's order: bytes, bytes that end a word, merges
    tokens = letters + [letter + "</w>" for letter in letters]
    tokens += [first + second for first, second in merges][: VOCAB_SIZE - 2 - len(tokens)]
    merges = merges[: len(tokens) - 2 * len(letters)]
    tokens += [START, END]
    return Tokenizer({token: number for number, token in enumerate(tokens)}, merges, CONTEXT_LENGTH)


def learned_merges(fast: FastTokenizer) -> list[tuple[str, str]]:
    merges = json.loads(fast.to_str())["model"]["merges"]
    return [tuple(pair.split(" ")) if isinstance(pair, str) else tuple(pair) for pair in merges]


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    tokenizer = learn()
    tokenizer.save(FOLDER)
    print(len(tokenizer), "tokens,", len(tokenizer.merges), "merges")

"""CLIP's byte-pair tokenizer.

Text is in lower case, between a <|startoftext|> and an <|endoftext|>; the largest id marks the end.

It reads the files that CLIP checkpoints carry (``vocab.json`` with ``merges.txt``,
``tokenizer.json``, or OpenAI's list of merges), and runs on the ``tokenizers`` library. A text is
first normalised in one of two ways:

* with OpenAI's vocabulary, which OpenAI's, LAION's and most other models have, as OpenAI's and
  open_clip's code has it: broken Unicode is repaired (``dog’s`` becomes ``dog's``, wide letters
  narrow), HTML unescaped, letters lowered as Python does it, and ``<|endoftext|>`` in a text is the
  end. transformers leaves the repairs out.
* with other vocabularies, such as the emoji world's, as transformers' CLIPTokenizer has it: NFC,
  single spaces, lower case. No text can write the end of text there.

Plain captions get the same ids from all.
"""

import errno
import gzip
import html
import itertools
import json
import warnings
from pathlib import Path

import torch
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers import Tokenizer as FastTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"
# of github.com/openai/CLIP, also inside open_clip_torch
OPENAI_MERGES = "bpe_simple_vocab_16e6.txt.gz"
OPENAI_MERGE_COUNT = 49152 - 256 - 2
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"  # CLIP's: digits stand alone


class TruncationWarning(UserWarning):
    """A text was longer than the model's context, and its end was not read."""


def repaired(text: str) -> str:
    """Apply OpenAI's cleaning but for the lower case.

    Unicode repaired by ftfy, HTML unescaped twice, single spaces.
    """
    if not (text.isascii() and text.isprintable()):
        import ftfy

        text = ftfy.fix_text(text)
    return " ".join(html.unescape(html.unescape(text)).split())


def openai_cleaned(text: str) -> str:
    """Clean a text as OpenAI's tokenizer does; open_clip does the same.

    OpenAI's is github.com/openai/CLIP, simple_tokenizer.py.
    """
    return repaired(text).lower()


def text_pipeline(tokenizer: FastTokenizer, normalised: bool = True) -> FastTokenizer:
    """Give a BPE model CLIP's word splitting, and transformers' normalisation."""
    if normalised:
        tokenizer.normalizer = normalizers.Sequence(
            [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
        )
    split = pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    return tokenizer


def check_vocabulary(vocab: dict[str, int], merges: list[tuple[str, str]]) -> None:
    """Check that the vocabulary and the merges fit CLIP.

    Raises:
        ValueError: when these are not what a CLIP model was trained with.
    """
    for special in (START, END):
        if special not in vocab:
            raise ValueError(f"not a CLIP vocabulary: {special} is missing")
    if not all(type(number) is int and number >= 0 for number in vocab.values()):
        raise ValueError("not a CLIP vocabulary: ids must be numbers from 0 up")
    pieces = {*merges_made(merges), *itertools.chain.from_iterable(merges)}
    if any(vocab.get(piece, 0) > vocab[END] for piece in (*pieces, START)):
        raise ValueError(
            f"not a CLIP vocabulary: {END} must have the largest id, but for words that were added"
        )
    for merge in merges:
        if not {*merge, "".join(merge)} <= vocab.keys():
            raise ValueError(f"merges.txt does not belong to vocab.json: {' '.join(merge)[:40]!r}")


def merges_made(merges: list[tuple[str, str]]) -> list[str]:
    return ["".join(merge) for merge in merges]


def read_object(file: Path) -> dict:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file.name} is not readable JSON: {error}") from None
    if not isinstance(data, dict):
        raise ValueError(
            f"{file.name} holds a {type(data).__name__} instead of tokens with their ids"
        )
    return data


def read_merges(file: Path) -> list[tuple[str, str]]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [pair_of(line, file) for line in lines if line and not line.startswith("#version")]


def pair_of(merge: str | list, file: Path) -> tuple[str, str]:
    """Split a merge, which is written as one string or as two."""
    pair = merge.split() if isinstance(merge, str) else merge
    if not (
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(token, str) for token in pair)
    ):
        raise ValueError(f"{file.name}: {str(merge)[:40]!r} is not a pair of tokens")
    return pair[0], pair[1]


def read_hub_tokenizer(file: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Read vocabulary and merges from tokenizer.json.

    It is the one file that newer folders of transformers have.
    """
    data = read_object(file)
    try:
        model, added = data["model"], data.get("added_tokens", [])
        if model.get("type", "BPE") != "BPE" or model["end_of_word_suffix"] != "</w>":
            raise ValueError(f"{file.name} is no byte-pair tokenizer of a CLIP")
        vocab = model["vocab"] | {token["content"]: token["id"] for token in added}
        return vocab, [pair_of(merge, file) for merge in model["merges"]]
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{file.name} is no byte-pair tokenizer of a CLIP: {error}") from None


def read_openai_merges(file: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Read vocabulary and merges from the file that OpenAI published.

    It has a comment, then merges, more than CLIP uses.

    An id is a place in: 256 bytes, the same at the end of a word, what each merge makes, start and
    end of text.
    """
    lines = gzip.decompress(file.read_bytes()).decode("utf-8").splitlines()
    merges = [pair_of(line, file) for line in lines[1 : 1 + OPENAI_MERGE_COUNT]]
    # printable characters come first, then the stand-ins for the other bytes
    bytes_ = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*bytes_, *(f"{byte}</w>" for byte in bytes_), *map("".join, merges), START, END]
    return {token: number for number, token in enumerate(tokens)}, merges


def check_texts(texts) -> None:
    """Check that texts are a list of strings.

    Raises:
        TypeError: for a single string, and for a list of anything but strings.
    """
    if isinstance(texts, str):
        raise TypeError("give a list of texts, not one string")
    for number, text in enumerate(texts, 1):
        if not isinstance(text, str):
            raise TypeError(f"text {number} is a {type(text).__name__}; give a list of strings")


class Tokenizer:
    """Texts to token ids.

    Args:
        vocab: token -> id; start and end of text come last, but for words that somebody added
            behind them. Those are found in a text as they are written.
        merges: pairs of tokens, in the order in which they are joined.
        context_length: the longest row that the model reads, start and end of text included.

    Attributes:
        as_openai: whether texts are cleaned as OpenAI's code does it; see the module.
    """

    def __init__(self, vocab: dict[str, int], merges: list[tuple[str, str]], context_length: int):
        check_vocabulary(vocab, merges)
        self.vocab, self.merges, self.context_length = vocab, merges, context_length
        self.start_id, self.end_id = vocab[START], vocab[END]
        self.as_openai = (len(merges), self.end_id) == (
            OPENAI_MERGE_COUNT,
            OPENAI_MERGE_COUNT + 2 * 256 + 1,
        )
        model = models.BPE(vocab=vocab, merges=merges, end_of_word_suffix="</w>", unk_token=END)
        self.fast = text_pipeline(FastTokenizer(model), normalised=not self.as_openai)
        self.added = sorted(token for token, number in vocab.items() if number > self.end_id)
        self.fast.add_tokens([AddedToken(token, normalized=False) for token in self.added])
        self.fast.post_processor = processors.TemplateProcessing(
            single=f"{START} $A {END}", special_tokens=[(START, self.start_id), (END, self.end_id)]
        )

    @classmethod
    def from_folder(cls, folder: str | Path, context_length: int) -> "Tokenizer":
        """Read a tokenizer from the files in a folder.

        It takes vocab.json and merges.txt, else tokenizer.json, else OpenAI's
        bpe_simple_vocab_16e6.txt.gz.

        Raises:
            FileNotFoundError: when none is there; it names the first.
            ValueError: when they are not a vocabulary and its merges.
        """
        folder = Path(folder)
        if (folder / "vocab.json").exists() or (folder / "merges.txt").exists():
            vocab, merges = read_object(folder / "vocab.json"), read_merges(folder / "merges.txt")
            more = folder / "added_tokens.json"  # where transformers 4 wrote words that were added
            return cls(vocab | (read_object(more) if more.exists() else {}), merges, context_length)
        if (folder / "tokenizer.json").exists():
            return cls(*read_hub_tokenizer(folder / "tokenizer.json"), context_length)
        if (folder / OPENAI_MERGES).exists():
            return cls(*read_openai_merges(folder / OPENAI_MERGES), context_length)
        raise FileNotFoundError(errno.ENOENT, "no tokenizer", str(folder / "vocab.json"))

    def save(self, folder: str | Path) -> None:
        """Write the files that transformers' CLIPTokenizer reads."""
        folder = Path(folder)
        (folder / "vocab.json").write_text(
            json.dumps(self.vocab, ensure_ascii=False), encoding="utf-8"
        )
        merges = "\n".join(" ".join(pair) for pair in self.merges)
        (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
        settings = {
            "tokenizer_class": "CLIPTokenizer",
            "bos_token": START,
            "eos_token": END,
            "unk_token": END,
            "pad_token": END,
            "model_max_length": self.context_length,
            "do_lower_case": True,
        }
        (folder / "tokenizer_config.json").write_text(
            json.dumps(settings, indent=2) + "\n", encoding="utf-8"
        )

    def __len__(self) -> int:
        return len(self.vocab)

    def __call__(self, texts: list[str], pad_to: int | None = None) -> torch.Tensor:
        """Tokenize texts: (B, T) int64 ids.

        They are padded with 0 to the longest text of the call or to ``pad_to``.

        A text that does not fit loses its end, keeps its end-of-text token, and is named in a
        warning.

        Raises:
            TypeError: when ``texts`` is a single string, or one of them is not a string.
        """
        check_texts(texts)
        rows = [self.shorten(ids, text) for ids, text in zip(self.ids(texts), texts, strict=True)]
        width = pad_to or max(map(len, rows), default=2)
        ids = torch.zeros(len(rows), width, dtype=torch.int64)
        for row, tokens in zip(ids, rows, strict=True):
            row[: len(tokens)] = torch.tensor(tokens)
        return ids

    def ids(self, texts: list[str]) -> list[list[int]]:
        """Give each text's ids between start and end of text, however long."""
        if not self.as_openai:
            return [encoding.ids for encoding in self.fast.encode_batch(texts)]
        cleaned = [openai_cleaned(text) for text in texts]
        rows = [encoding.ids for encoding in self.fast.encode_batch(cleaned)]
        for number, text in enumerate(cleaned):
            if START in text or END in text:
                rows[number] = self.ids_with_marks(text)
        return rows

    def ids_with_marks(self, text: str) -> list[int]:
        """Tokenize a cleaned text that writes start or end of text itself.

        They are read as such where a word may begin.
        """
        marks = {START: self.start_id, END: self.end_id}
        splitting = pre_tokenizers.Split(
            Regex(rf"<\|startoftext\|>|<\|endoftext\|>|{WORDS}"), "removed", invert=True
        )
        ids = [self.start_id]
        for word, _ in splitting.pre_tokenize_str(text):
            ids += (
                [marks[word]]
                if word in marks
                else self.fast.encode(word, add_special_tokens=False).ids
            )
        return [*ids, self.end_id]

    def normalised(self, text: str) -> str:
        """Normalise a text: this is what is cut into tokens."""
        return openai_cleaned(text) if self.as_openai else self.fast.normalizer.normalize_str(text)

    def shorten(self, ids: list[int], text: str) -> list[int]:
        if len(ids) <= self.context_length:
            return ids
        message = (
            f"{len(ids) - self.context_length} tokens too long, the end was cut: {text[:60]!r}..."
        )
        warnings.warn(message, TruncationWarning, stacklevel=3)
        return [*ids[: self.context_length - 1], self.end_id]

    def text(self, ids: list[int]) -> str:
        """Decode token ids up to the end of text; words have one space between them."""
        pieces = {number: token for token, number in self.vocab.items()}
        inside = list(itertools.takewhile(lambda number: number != self.end_id, ids))
        joined = decoders.ByteLevel().decode(
            [pieces[number] for number in inside if number != self.start_id]
        )
        return joined.replace("</w>", " ").strip()

    def tokens(self, text: str) -> list[str]:
        """Give what the model reads, as words and pieces of words, without start and end of text.

        A character that takes several tokens (an emoji, say) is shown with its first one, the
        others as "…".
        """
        text = self.normalised(text)
        spans = self.fast.encode(text, add_special_tokens=False).offsets
        return [
            "…" if span in spans[:number] else text[slice(*span)]
            for number, span in enumerate(spans)
        ]

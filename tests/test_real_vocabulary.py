"""The tokenizer with the vocabulary of every real CLIP gives the ids of the released code.

transformers' tokenizer differs from that: it repairs no broken Unicode (ftfy: curly quotes stay
curly, wide letters wide), unescapes no HTML (&amp; stays), and lower-cases every sigma alike. One
character is split differently from the released code here: U+0345, a Greek iota below, counts as a
letter there.
"""

import json
import random
import shutil
import unicodedata
import warnings

import pytest
import torch
from open_clip_reference import OPENAI_BPE, SimpleTokenizer, real_tokenizer

from clipbench.tokenizer import Tokenizer, TruncationWarning

STRINGS = 3_000
EMOJI = [*range(0x1F300, 0x1F700), 0x200D, 0xFE0F]


@pytest.fixture(scope="module")
def ours():
    return real_tokenizer()


@pytest.fixture(scope="module")
def folder(ours, tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    ours.save(folder)
    return folder


@pytest.fixture(scope="module")
def openais():
    return SimpleTokenizer()


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Random strings of every kind, some longer than the context."""
    chance = random.Random(0)
    pieces = [
        "'s",
        "n't",
        "'re",
        "&amp;",
        "&lt;",
        "’",
        "“",
        "…",
        "a photo of a ",
        "cat ",
        "ﬁ",
        "Ａ",
        "Σ",
        " ",
        "\n",
        "\t",
    ]
    ranges = [
        range(32, 127),
        range(0xA0, 0x250),
        range(0x300, 0x345),
        range(0x346, 0x370),
        range(0x370, 0x600),
        range(0x1100, 0x3000),
        range(0x4E00, 0xA000),
        range(0xAC00, 0xD7A4),
        EMOJI,
    ]

    def text() -> str:
        kinds = chance.sample([*ranges, pieces], chance.randint(1, 4))
        drawn = (chance.choice(chance.choice(kinds)) for _ in range(chance.randint(0, 40)))
        return "".join(each if isinstance(each, str) else chr(each) for each in drawn)

    return ["".join(c for c in text() if unicodedata.category(c) != "Cn") for _ in range(STRINGS)]


def ids(tokenizer: Tokenizer, text: str) -> list[int]:
    """The row of a text without padding."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TruncationWarning)
        return tokenizer([text])[0].tolist()


def words(tokenizer: Tokenizer, text: str) -> list[int]:
    return ids(tokenizer, text)[1:-1]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("2021", [273, 271, 273, 272]),
        ("a diagram", [320, 22697]),
        ("a photo of a cat", [320, 1125, 539, 320, 2368]),
        ("A PHOTO of a Cat", [320, 1125, 539, 320, 2368]),
        ("crane", [14626]),
        ("boxer", [15363]),
        ("ipod", [17889]),
        ("typographic", [18831, 4245]),
        ("!", [256]),  # at the end of a word; 0, with which CLIP pads, is the same inside a word
    ],
)
def test_ids_are_those_of_the_released_tokenizer(ours, text, expected):
    assert ids(ours, text) == [49406, *expected, 49407]


def test_the_vocabulary_has_49408_tokens_each_with_openais_id(ours, openais):
    assert len(ours) == 49408 and (ours.start_id, ours.end_id) == (49406, 49407)
    # start and end have other names
    assert list(ours.vocab.items())[:-2] == list(openais.encoder.items())[:-2]


def differing(rows: torch.Tensor, others: torch.Tensor, texts: list[str]) -> list[str]:
    """The texts whose token ids are not the same."""
    return [
        text for text, same in zip(texts, (rows == others).all(1).tolist(), strict=True) if not same
    ]


@pytest.mark.filterwarnings("ignore::clipbench.tokenizer.TruncationWarning")
def test_random_strings_have_openais_ids(ours, openais, texts):
    assert not differing(ours(texts, pad_to=77), openais(texts), texts)


@pytest.mark.filterwarnings("ignore::clipbench.tokenizer.TruncationWarning")
def test_random_strings_that_need_no_cleaning_have_transformers_ids(ours, folder, openais, texts):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    theirs = transformers.CLIPTokenizerFast.from_pretrained(folder, local_files_only=True)
    normaliser = theirs.backend_tokenizer.normalizer
    texts = [
        text for text in texts if openais.clean_fn(text) == normaliser.normalize_str(text).strip()
    ]
    assert len(texts) > 0.5 * STRINGS
    expected = theirs(texts, truncation=True, padding="max_length", return_tensors="pt")
    assert not differing(
        ours(texts, pad_to=77), expected["input_ids"] * expected["attention_mask"], texts
    )


def test_plain_captions_need_no_cleaning(ours, openais):
    chance = random.Random(1)
    for _ in range(500):
        text = "".join(chance.choice("abc XYZ 0189 .,!?'s-") for _ in range(30))
        row = ids(ours, text)
        assert openais([text])[0, : len(row)].tolist() == row, text


@pytest.mark.parametrize(
    "text, cleaned",
    [
        ("the dog’s “bone”", 'the dog\'s "bone"'),
        ("cat &amp; dog", "cat & dog"),
        ("cat &amp;lt; dog", "cat < dog"),
        ("ＡＢ", "ab"),
        ("ΛΌΓΟΣ ΣΟΦΟΣ", "λόγος σοφος"),
        ("cafÃ©", "café"),
        ("a\x07 cat", "a cat"),
    ],
)
def test_texts_are_cleaned_as_openai_does(ours, openais, text, cleaned):
    assert openais.clean_fn(text) == cleaned
    assert openais.encode(text) == words(ours, text) == words(ours, cleaned)
    # what the model reads is shown as it reads it
    assert "".join(ours.tokens(text)).replace("…", "") == "".join(cleaned.split())


@pytest.mark.parametrize(
    "text, written",
    [
        ("a cat <|endoftext|> b", "a cat <end_of_text> b"),
        ("<|startoftext|>a", "<start_of_text>a"),
        ("a<|EndOfText|>", "a<End_Of_Text>"),
        ("cat.<|endoftext|>", None),
        ("<|endoftext|><|endoftext|>", None),
    ],
)
def test_start_and_end_that_a_text_writes_itself_are_openais(ours, openais, text, written):
    """open_clip's copy of the code has other names for the two marks; the expression that finds
    them is the same.
    """
    found = words(ours, text)
    if written:
        assert found == openais.encode(written)
    else:
        dots = openais.encode(".<|") + openais.encode("endoftext") + openais.encode("|>")
        assert found == ([49407, 49407] if text.startswith("<") else openais.encode("cat") + dots)


def test_a_text_that_is_too_long_ends_where_openais_does_with_its_end_token(ours, openais):
    text = "a photo of a very small cat " * 20
    with pytest.warns(TruncationWarning, match="65 tokens too long"):
        row = ours([text])
    assert row.shape == (1, 77) and int(row[0, -1]) == 49407
    assert torch.equal(row, openais([text]))


# -------------------- in whatever files


def test_openais_own_file_is_enough(tmp_path, ours):
    shutil.copy(OPENAI_BPE, tmp_path)
    again = Tokenizer.from_folder(tmp_path, 77)
    assert again.vocab == ours.vocab and again.merges == ours.merges


def test_saved_files_give_the_same_tokenizer(folder, ours):
    again = Tokenizer.from_folder(folder, 77)
    assert again.vocab == ours.vocab and again.merges == ours.merges


@pytest.mark.parametrize("as_pairs", [True, False], ids=["merges as pairs", "merges as strings"])
def test_a_tokenizer_json_is_enough(tmp_path, ours, as_pairs):
    merges = [list(pair) if as_pairs else " ".join(pair) for pair in ours.merges]
    special = [
        {"id": number, "content": token}
        for token, number in ours.vocab.items()
        if number >= ours.start_id
    ]
    vocab = {token: number for token, number in ours.vocab.items() if number < ours.start_id}
    model = {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": vocab, "merges": merges}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": model, "added_tokens": special}))
    again = Tokenizer.from_folder(tmp_path, 77)
    assert again.vocab == ours.vocab and again.merges == ours.merges


def test_the_tokenizer_json_that_transformers_writes_is_read(tmp_path, folder, ours):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    transformers.CLIPTokenizerFast.from_pretrained(folder, local_files_only=True).save_pretrained(
        tmp_path
    )
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / name).unlink(missing_ok=True)
    again = Tokenizer.from_folder(tmp_path, 77)
    assert again.vocab == ours.vocab and again.merges == ours.merges


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "{}",
        '{"model": 3}',
        '{"model": {"type": "Unigram", "vocab": []}}',
        '{"model": {"type": "BPE", "vocab": {}, "merges": []}}',
        '{"model": {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": {"a": 0}, '
        '"merges": [["a"]]}}',
    ],
)
def test_a_tokenizer_json_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(ValueError, match=r"tokenizer\.json|not a CLIP vocabulary"):
        Tokenizer.from_folder(tmp_path, 77)

"""Facts about the tokenizer:

CLIP's conventions, truncation that says so, and every language of the world.
"""

import json
import unicodedata
import warnings

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from clipbench import Tokenizer
from clipbench.data.world.sprites import concepts
from clipbench.pretrained.folders import ASSETS, world_tokenizer
from clipbench.tokenizer import END, START, TruncationWarning, check_texts

TOKENIZER = world_tokenizer()


def text_of(text: str) -> str:
    """A text turned to ids and back by hand, through the bytes that the vocabulary's symbols
    stand for.
    """
    symbols = {id: token for token, id in TOKENIZER.vocab.items()}
    ids = TOKENIZER([text])[0, 1:].tolist()
    # up to the end of text: 0 pads, but before it 0 is the real token "!"
    pieces = "".join(symbols[id] for id in ids[: ids.index(TOKENIZER.end_id)])
    return bytes(BYTES[symbol] for symbol in pieces.replace("</w>", "Ġ")).decode("utf-8").strip()


def byte_symbols() -> dict[str, int]:
    """GPT-2's reversible alphabet: printable bytes stand for themselves, the others for letters
    from U+0100 on.
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {
        chr(256 + n): byte for n, byte in enumerate(others)
    }


BYTES = byte_symbols()


def test_the_shipped_vocabulary_has_4096_tokens():
    assert len(TOKENIZER) == 4096 and sorted(TOKENIZER.vocab.values()) == list(range(4096))


def test_every_byte_is_in_the_vocabulary_with_and_without_the_end_of_a_word():
    for symbol in byte_symbols():
        assert symbol in TOKENIZER.vocab and f"{symbol}</w>" in TOKENIZER.vocab


def test_every_merge_makes_a_token():
    assert all(a + b in TOKENIZER.vocab for a, b in TOKENIZER.merges)


def test_a_text_stands_between_start_and_end_and_is_padded_with_0():
    ids = TOKENIZER(["a cat", "a cat and a dog"])
    assert ids.dtype == torch.int64 and ids.shape == (2, 7)
    assert ids[0].tolist()[0] == TOKENIZER.start_id and ids[0, 3] == TOKENIZER.end_id
    assert not ids[0, 4:].any() and ids[1, 6] == TOKENIZER.end_id


def test_end_of_text_has_the_largest_id():
    assert TOKENIZER.end_id == max(TOKENIZER.vocab.values()) == TOKENIZER.start_id + 1


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_the_largest_id_of_a_row_is_its_end(texts):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TruncationWarning)
        ids = TOKENIZER(texts)
    assert (ids.max(1).values == TOKENIZER.end_id).all()
    assert ((ids == TOKENIZER.end_id).sum(1) == 1).all()


def test_a_text_cannot_write_the_end_of_text_itself():
    ids = TOKENIZER([f"a {END} cat {START}"])[0]
    assert (ids == TOKENIZER.end_id).sum() == 1 and ids[-1] == TOKENIZER.end_id
    assert (ids == TOKENIZER.start_id).sum() == 1


def test_capitals_and_runs_of_spaces_do_not_matter():
    assert torch.equal(TOKENIZER(["A  Photo\n of a\tCAT "]), TOKENIZER(["a photo of a cat"]))


def test_composed_and_decomposed_letters_are_the_same():
    composed, decomposed = (
        unicodedata.normalize("NFC", "café ñandú"),
        unicodedata.normalize("NFD", "café ñandú"),
    )
    assert composed != decomposed
    assert torch.equal(TOKENIZER([composed]), TOKENIZER([decomposed]))


def test_digits_stand_alone():
    assert TOKENIZER.tokens("img 1024")[-4:] == ["1", "0", "2", "4"]
    assert TOKENIZER(["2024"]).shape == (1, 6)


def test_an_empty_text_is_start_and_end():
    assert TOKENIZER([""]).tolist() == [[TOKENIZER.start_id, TOKENIZER.end_id]]
    assert TOKENIZER.tokens("") == []


def test_no_texts_give_no_rows():
    assert len(TOKENIZER([])) == 0


def test_a_long_text_keeps_its_end_token_and_is_named_in_a_warning():
    text = "cat " * 40
    with pytest.warns(TruncationWarning, match="10 tokens too long, the end was cut: 'cat cat"):
        ids = TOKENIZER([text])
    assert ids.shape == (1, 32) and ids[0, -1] == TOKENIZER.end_id
    assert torch.equal(ids[0, :-1], TOKENIZER(["cat " * 30])[0, :-1])


def test_a_text_that_just_fits_is_not_cut():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert TOKENIZER(["cat " * 30]).shape == (1, 32)


def test_padding_can_be_to_a_given_length():
    ids = TOKENIZER(["a cat"], pad_to=32)
    assert ids.shape == (1, 32) and torch.equal(ids[:, :4], TOKENIZER(["a cat"]))


def test_a_single_string_is_refused():
    with pytest.raises(TypeError, match="give a list of texts"):
        TOKENIZER("a cat")


def test_what_is_no_text_is_told_with_its_number():
    with pytest.raises(TypeError, match="text 2 is a NoneType; give a list of strings"):
        check_texts(["a cat", None])


@pytest.mark.parametrize("language", ["en", "es", "de", "zh", "ru"])
def test_names_of_every_language_can_be_read_back(language):
    names = [
        concept.name if language == "en" else concept.names.get(language) for concept in concepts()
    ]
    names = sorted({name for name in names if name})
    assert len(names) > 900
    for name in names[::7]:
        expected = unicodedata.normalize("NFC", name).lower()
        assert text_of(name).replace(" ", "") == "".join(expected.split())


@example("!:")
@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Cn"]), max_size=5))
def test_any_short_text_can_be_read_back(text):
    expected = TOKENIZER.fast.normalizer.normalize_str(text)
    assert text_of(text).replace(" ", "") == "".join(expected.split())


def test_names_of_trained_concepts_need_few_tokens():
    lengths = [
        len(TOKENIZER.tokens(concept.name)) / len(concept.name.split()) for concept in concepts()
    ]
    assert sum(lengths) / len(lengths) < 2, "the vocabulary was learned from this world's captions"


def test_tokens_are_pieces_of_the_text():
    assert TOKENIZER.tokens("A photo of a cat.") == ["a", "photo", "of", "a", "cat", "."]


def test_tokens_of_other_scripts_are_shown_as_text():
    assert "".join(TOKENIZER.tokens("Кошка")) == "кошка"


def test_a_saved_tokenizer_gives_the_same_ids(tmp_path):
    TOKENIZER.save(tmp_path)
    again = Tokenizer.from_folder(tmp_path, 32)
    texts = ["a photo of a cat", "Кошка", "zwei Äpfel", "猫", "😀 ok"]
    assert torch.equal(again(texts), TOKENIZER(texts))
    assert again.vocab == TOKENIZER.vocab and again.merges == TOKENIZER.merges


def test_a_vocabulary_without_start_and_end_is_refused():
    with pytest.raises(ValueError, match="not a CLIP vocabulary"):
        Tokenizer({"a": 0, START: 1}, [], 8)
    with pytest.raises(ValueError, match="not a CLIP vocabulary"):
        Tokenizer({"a": 0, END: 1}, [], 8)


def test_the_shipped_files_name_their_special_tokens_and_case():
    settings = json.loads(
        (ASSETS / "tokenizer" / "tokenizer_config.json").read_text(encoding="utf-8")
    )
    assert (settings["bos_token"], settings["eos_token"], settings["do_lower_case"]) == (
        START,
        END,
        True,
    )


def test_a_character_of_several_tokens_is_shown_once():
    shown = TOKENIZER.tokens("🦝 cat")
    assert shown[0] == "🦝" and shown[-1] == "cat"
    assert set(shown[1:-1]) <= {"…"}
    assert len(shown) == len(TOKENIZER.fast.encode("🦝 cat", add_special_tokens=False).ids)


@pytest.mark.parametrize("text", ["a cat!", "Ein Hund, zwei Hündchen", "一只猫", "кошка 3", ""])
def test_ids_become_text_again(text):
    assert TOKENIZER.text(TOKENIZER([text])[0].tolist()) == text_of(text)

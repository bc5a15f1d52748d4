"""What a written word does to a model's verdict, judged beside a word that means nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from clipbench.evaluate.typographic import CONTROL_WORDS


@dataclass(frozen=True)
class Verdict:
    """The most probable text for the picture as it is, with the word, and with the control word.

    Both words are printed on the picture.
    """

    word: str
    control_word: str
    before: dict  # a row of scores
    after: dict
    control: dict
    target: dict | None  # the row whose text the word is, if there is one

    @property
    def flips(self) -> bool:
        return self.after["text"] != self.before["text"]

    @property
    def says_the_word(self) -> bool:
        return self.flips and self.after is self.target

    @property
    def control_flips(self) -> bool:
        return self.control["text"] != self.before["text"]

    def headline(self) -> str:
        if not self.word:
            return "Write a word on the picture."
        if self.flips:
            return f"The verdict flips: {self.before['text']} → {self.after['text']}"
        return f"The verdict stays: {self.before['text']}"

    def explanation(self) -> str:
        """Say what the control word says about the headline."""
        if not self.word:
            return "Does the model believe what it sees, or what it reads?"
        control = f"the control word “{self.control_word}”"
        if self.says_the_word and self.control["text"] == self.after["text"]:
            return (
                f"But {control} leads to the same verdict: what counts is the "
                "sticker, not what it says."
            )
        if self.says_the_word and self.control_flips:
            return f"It believes the word; {control} leads it to {self.control['text']} instead."
        if self.says_the_word:
            return (
                f"The model reads: it believes the word, and {control} does not have this effect."
            )
        if self.flips and self.control_flips:
            return f"But {control} changes the verdict too: the sticker hides the picture."
        if self.flips:
            return f"Not to the written word, though; {control} leaves the verdict as it was."
        if self.control_flips:
            return f"Only {control} changes it."
        return f"Neither the word nor {control} changes it."


def judge(rows: Sequence[dict], word: str, control_word: str) -> Verdict:
    """Find the most probable text before, after and with the control word.

    Args:
        rows: at least one, each with ``text``, ``before``, ``after`` and ``control``
            (probabilities).
    """
    before, after, control = (
        max(rows, key=lambda row: row[when]) for when in ("before", "after", "control")
    )
    return Verdict(word, control_word, before, after, control, row_of(word, rows))


def row_of(word: str, rows: Sequence[dict]) -> dict | None:
    """Find the row whose text is the word; else the only one that holds it as a word of its own."""
    wanted = word.casefold()
    if not wanted:
        return None
    for row in rows:
        if row["text"].casefold() == wanted:
            return row
    holding = [row for row in rows if f" {wanted} " in f" {row['text'].casefold()} "]
    return holding[0] if len(holding) == 1 else None


def control_for(word: str, texts: Sequence[str]) -> str:
    """Choose the first of the control words nearest to the word in length that is no text.

    Words of like length cover about as much of the picture.
    """
    taken = {word.casefold(), *(text.casefold() for text in texts)}
    return min(
        (other for other in CONTROL_WORDS if other not in taken),
        key=lambda other: abs(len(other) - len(word)),
    )

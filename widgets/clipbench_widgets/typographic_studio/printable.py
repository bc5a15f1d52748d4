"""What of a text can be printed on a picture."""


def printable(text: str, longest: int) -> str:
    """Return a text in one line, without what cannot be seen, and cut after so many letters."""
    whole = text.encode("utf-8", "replace").decode("utf-8")[: 10 * longest]
    kept = "".join(letter if letter.isprintable() else " " for letter in whole)
    return " ".join(kept.split())[:longest].rstrip()

"""What the figures share that stand for an app where no kernel runs."""

from matplotlib.font_manager import FontProperties, findfont, get_font

PALE_BLUE, GREY = "#5b9ecb", "#c3cad4"
MOST_ROWS = 24
LONGEST_LABEL = 36


def printable(text: str) -> str:
    """Put □ for each character that matplotlib's own font has no picture of."""
    font = get_font(findfont(FontProperties(family="DejaVu Sans")))
    return "".join(character if font.get_char_index(ord(character)) else "□" for character in text)

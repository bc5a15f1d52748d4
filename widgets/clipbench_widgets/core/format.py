"""Format numbers, percentages and colours for the page."""

import torch

# one hue, light to dark: safe for all colour vision, and in print
LIGHT_END, DARK_END = (238, 243, 248), (0, 66, 120)


def shade(share: float) -> tuple[int, int, int]:
    """Choose a colour from light to dark, for a share in [0, 1]."""
    red, green, blue = (
        round(a + share * (b - a)) for a, b in zip(LIGHT_END, DARK_END, strict=True)
    )
    return red, green, blue


def colour_range(values: torch.Tensor) -> tuple[float, float]:
    """Choose the two cosines at which the colour scale ends.

    All cosines below zero look alike; the upper end moves in steps of a tenth, so that the colours
    stay still while someone types.
    """
    return 0.0, max(0.3, (values.max() * 10).ceil().item() / 10)


def number(value: float, digits: int) -> str:
    """Write a number with a true minus sign, and no minus before zero."""
    text = f"{abs(value):.{digits}f}"
    return f"−{text}" if value < 0 and float(text) else text


def shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def percent(probability: float) -> str:
    """Write a probability as a percentage, never as a 0 % or 100 % that is not one."""
    if 0 < probability < 0.001:
        return "<0.1 %"
    if 0.999 < probability < 1:
        return ">99.9 %"
    return f"{100 * probability:.1f} %"


def sentence(remark: str) -> str:
    """Make a sentence of a remark: a capital letter and a full stop."""
    return f"{remark[:1].upper()}{remark[1:]}." if remark else ""

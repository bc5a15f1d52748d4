"""How a class comes to the page: its address, large, and as a QR code."""

from html import escape
from urllib.parse import urlsplit

from clipbench import UserError

LONGEST = 300
ONLY_HERE = ("localhost", "127.0.0.1", "::1", "[::1]")


def invitation(address: str) -> str:
    """Write the address for a projector.

    Raises:
        UserError: for what is no address of a page.
    """
    if not is_address(address):
        raise UserError("this page has no address that a class could open")
    local = urlsplit(address).hostname in ONLY_HERE
    note = FOR_THIS_COMPUTER if local else "Everybody gets an own copy: nobody sees what others do."
    return (
        f'<div class="clipbench-invitation" role="status">{qr_code(address)}<div>'
        f"<strong>{escape(address)}</strong><p>{escape(note)}</p></div></div>"
    )


FOR_THIS_COMPUTER = (
    "Only this computer can open this address. README, “The apps”, says how to let others in; then "
    "open the address that make app prints at its end, and come back here."
)


def is_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    plain = address.isprintable() and " " not in address and len(address) <= LONGEST
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname)


def qr_code(address: str) -> str:
    """Draw the QR code as SVG; "" where the package for it is missing."""
    try:
        import segno
    except ImportError:
        return ""
    return segno.make(address, error="m").svg_inline(omitsize=True, border=3, light="white")

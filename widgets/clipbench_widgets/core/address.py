"""The state of a page in its address: it survives a reload, and a link shares it.

The address's end, after #, is never sent to a server: the page gives it to the kernel once they
are connected (a query string would start another kernel). A few lines of JavaScript
(``address.js``) do this, and only on a page that has a kernel of its own; JupyterLab's address is
left alone. What arrives is for the caller to check: it comes from outside.
"""

from collections.abc import Callable
from html import escape

import ipywidgets

from clipbench_widgets.core.page_scripts import running
from clipbench_widgets.core.style_files import sheet

RULES = sheet("core/address.css")
COPIES = "Copies the address of this view. Pictures of your own are not part of it."
INVITES = "The address and its QR code, large, for a projector"
TOO_LONG = "This view holds too much text or too many points for an address"


class AddressBar(ipywidgets.Box):
    """Buttons for the link and for a class, beside what keeps the page's address up to date.

    Args:
        on_invitation: called with the page's own address, without its end, when a lecturer asks
            how a class comes here.
        on_arrival: called with the end of the address, when the page is opened with one or a
            person has changed it; "" when one goes back to an address without an end.
    """

    def __init__(self, on_arrival: Callable[[str], None], on_invitation: Callable[[str], None]):
        self._on_arrival, self._on_invitation = on_arrival, on_invitation
        self._asked = ""  # the number of what the page sent last
        said = '<span class="clipbench-small" role="status"></span>'
        self._told = ipywidgets.HTML().add_class("clipbench-address-told")
        self._heard = ipywidgets.Text().add_class("clipbench-address-heard")
        self._copy = ipywidgets.Button(description="Copy link", icon="link", tooltip=COPIES)
        self._copy.add_class("clipbench-copy-link")
        self._invite = ipywidgets.Button(description="For a class", icon="qrcode", tooltip=INVITES)
        self._invite.add_class("clipbench-invite")
        super().__init__(
            [
                self._told,
                self._heard,
                self._copy,
                self._invite,
                ipywidgets.HTML(said + running("address.js")),
            ]
        )
        self.add_class("clipbench-address")
        self._heard.observe(self._arrived, "value")

    def show(self, end: str, too_long: bool = False, place: str = "") -> None:
        """Put ``end`` behind the page's address, # included.

        Args:
            place: what the browser's back button goes back to, when it becomes another one.
        """
        place, end = escape(place), escape(end)
        self._told.value = (
            f'<span data-end="{end}" data-place="{place}" data-answers="{self._asked}"></span>'
        )
        self._copy.disabled = too_long
        self._copy.tooltip = TOO_LONG if too_long else COPIES

    def _arrived(self, change) -> None:
        """Take what the page sent.

        A number comes first, so that nothing is sent twice; then # and the address's end, or @ and
        the address without it.
        """
        sent = change.new.lstrip("0123456789")
        self._asked = change.new[: len(change.new) - len(sent)]
        mark, sent = sent[:1], sent[1:]
        if mark == "#":
            self._on_arrival(sent)
        elif mark == "@":
            self._on_invitation(sent)

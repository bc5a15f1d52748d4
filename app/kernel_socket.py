"""Sockets between visitors and kernels that cannot bring the server down."""

import contextlib

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError

PROTOCOL = "v1.kernel.websocket.jupyter.org"  # of Voila's own page


class CheckedSocket(ZMQChannelsWebsocketConnection):
    """Speaks one protocol, and reads only messages that are as long as they say.

    A message of this protocol begins with the number of its parts. Voila takes every binary message
    for such a one, but in the older protocol the first bytes are something else: there the first
    picture that a kernel sends has some 10^17 parts, and Voila fills all memory while it lists
    them. jupyter_server falls back on the older protocol when a page has gone, so a student who
    closed a page, or a laptop, while a model was trained could bring the server down. A visitor's
    own message of 2^63 parts would do the same to jupyter_server.
    """

    @property
    def subprotocol(self):
        """Known even when the page has gone, and its socket does not say any more."""
        return PROTOCOL

    async def prepare(self):
        """Prepare the socket, if it offers the protocol.

        Raises:
            HTTPError: 400 for a socket that does not offer the protocol.
        """
        offered = self.websocket_handler.request.headers.get("Sec-WebSocket-Protocol", "")
        if PROTOCOL not in [name.strip() for name in offered.split(",")]:
            raise HTTPError(400, f"this server speaks {PROTOCOL}")
        await super().prepare()

    def handle_outgoing_message(self, stream, outgoing_msg):
        with contextlib.suppress(WebSocketClosedError):  # nobody is there to read it
            super().handle_outgoing_message(stream, outgoing_msg)

    def handle_incoming_message(self, incoming_msg):
        if holds_its_parts(incoming_msg):
            super().handle_incoming_message(incoming_msg)


def holds_its_parts(message: bytes | str) -> bool:
    """Say whether there is room for as many places of parts as the message says it has."""
    return isinstance(message, bytes) and 8 * (int.from_bytes(message[:8], "little") + 1) <= len(
        message
    )

"""Sockets between visitors and kernels that cannot bring the server down."""

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.iostream import StreamBufferFullError
from tornado.web import HTTPError

PROTOCOL = "v1.kernel.websocket.jupyter.org"  # of Voila's own page
MOST_WAITING = 16 << 20  # bytes that a page has not read yet; then it is gone, or has gone to sleep


class CheckedSocket(ZMQChannelsWebsocketConnection):
    """Speaks one protocol, reads only messages that are as long as they say, and keeps little for pages that sleep.

    A message of this protocol begins with the number of its parts. Voila takes every binary message for such a one, but
    in the older protocol the first bytes are something else: there the first picture that a kernel sends has some 10^17
    parts, and Voila fills all memory while it lists them. A visitor's message of that kind would do the same to
    jupyter_server.
    """

    async def prepare(self):
        """
        Raises:
            HTTPError: 400 for a socket that does not offer the protocol.
        """
        offered = self.websocket_handler.request.headers.get("Sec-WebSocket-Protocol", "")
        if PROTOCOL not in [name.strip() for name in offered.split(",")]:
            raise HTTPError(400, f"this server speaks {PROTOCOL}")
        await super().prepare()

    def connect(self):
        self._stream = self.websocket_handler.ws_connection.stream
        self._stream.max_write_buffer_size = MOST_WAITING
        return super().connect()

    def handle_outgoing_message(self, stream, outgoing_msg):
        try:
            super().handle_outgoing_message(stream, outgoing_msg)
        except StreamBufferFullError:
            self._stream.close()

    def handle_incoming_message(self, incoming_msg):
        if holds_its_parts(incoming_msg):
            super().handle_incoming_message(incoming_msg)


def holds_its_parts(message: bytes | str) -> bool:
    """Whether there is room for as many places of parts as the message says it has."""
    return isinstance(message, bytes) and 8 * (int.from_bytes(message[:8], "little") + 1) <= len(message)

"""The next batch is read while the model works on this one."""

from concurrent.futures import Future, ThreadPoolExecutor

from clipbench.data.pairs import Pairs, PairStream


class Prefetched:
    """The same pairs as ``stream``: each call also starts to read, in a thread, what is likely to be asked for next.

    That is as far ahead as this call is of the last one: the following pairs or, where several processes share every
    batch, this process's part of the next batch. A wrong guess costs time only.
    """

    def __init__(self, stream: PairStream):
        self.stream = stream
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="prefetch")
        self.next: tuple[int, int] | None = None
        self.last: int | None = None
        self.future: Future | None = None

    def __call__(self, start: int, count: int) -> Pairs:
        if self.next != (start, count):
            self.begin(start, count)  # after what the thread is reading now
        future = self.future
        pairs = future.result()
        ahead = start - self.last if self.last is not None and start > self.last else count
        self.last = start
        self.begin(start + ahead, count)
        return pairs

    def begin(self, start: int, count: int) -> None:
        self.next, self.future = (start, count), self.thread.submit(self.stream, start, count)

    def __getattr__(self, name: str):
        """Its name, seed and so on are the stream's."""
        return getattr(self.stream, name)

"""Samples that cannot be read: left out, counted and named.

When they are too many, the run ends with the list.
"""

from pathlib import Path

from clipbench.errors import UserError


class Unreadable:
    """The unreadable samples of one source, by name with the reason.

    Args:
        listed_in: a text file that names each of them, one per line; None writes none.
        allowed: this many may be unreadable in any source ...
        share: ... or this fraction of its samples, whichever is more.
    """

    def __init__(
        self, source: str, listed_in: Path | None = None, allowed: int = 10, share: float = 0.01
    ):
        self.source, self.listed_in, self.allowed, self.share = source, listed_in, allowed, share
        self.reasons: dict[str, str] = {}

    def note(self, name: str, reason: str, samples: int) -> None:
        """Note one more unreadable sample among this many samples.

        Raises:
            UserError: when too many are unreadable.
        """
        if name in self.reasons:
            return
        self.reasons[name] = " ".join(reason.split())
        if self.listed_in is not None:
            self.listed_in.parent.mkdir(parents=True, exist_ok=True)
            mode = "w" if len(self.reasons) == 1 else "a"  # a resumed run finds the same ones again
            with open(self.listed_in, mode, encoding="utf-8", errors="backslashreplace") as file:
                file.write(f"{name}\t{self.reasons[name]}\n")
        if len(self.reasons) > max(self.allowed, self.share * samples):
            first = "; ".join(list(self.reasons.values())[:3])
            where = f"; all are listed in {self.listed_in}" if self.listed_in else ""
            raise UserError(
                f"{self.source}: {len(self.reasons)} of {samples} samples cannot be "
                f"read ({first}){where}"
            )

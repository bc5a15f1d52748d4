"""The page of all figures: pictures, findings, the paper's numbers beside ours."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from clipbench.errors import UserError
from clipbench.files import atomic_write
from clipbench.paper_figures.finding import Finding
from clipbench.paper_figures.sources import Sources


def make_folder(folder: Path) -> None:
    """Make the folder that the figures are written to.

    Raises:
        UserError: when it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}") from None


def write_page(
    folder: Path, found: Mapping[str, tuple[Finding, list[str]]], sources: Sources
) -> Path:
    """Write ``figures.md`` and a PNG for each figure, each file whole or not at all.

    It returns the page.

    Raises:
        UserError: when the folder cannot be written to.
    """
    from clipbench.paper_figures import FIGURES, LEFT_OUT

    lines = [
        f"# The paper's figures at the scale {sources.scale}",
        "",
        f"Model: {sources.model}. {TOY}",
        "",
    ]
    make_folder(folder)
    for name, (finding, records) in found.items():
        if finding.figure is not None:
            atomic_write(folder / f"{name}.png", finding.figure.png())
        lines += section(name, FIGURES[name], finding, records)
    lines += ["## Left out", "", *(f"- {name}: {reason}" for name, reason in LEFT_OUT.items()), ""]
    page = folder / "figures.md"
    atomic_write(page, "\n".join(lines).encode())
    return page


TOY = (
    "Scenes are toy data: an effect that appears here is an example of the paper's, "
    "not a replication."
)


def section(name: str, module, finding: Finding, records: list[str]) -> list[str]:
    lines = [f"## {name}: {module.TITLE}", ""]
    if finding.figure is not None:
        lines += [f"![{finding.figure.read_aloud}]({name}.png)", ""]
    drawn = finding.figure is not None
    verdict = f"claim: {finding.appears}" if drawn else f"there is {finding.appears}"
    lines += [
        f"- Here: {finding.finding}.",
        f"- The paper: {module.PAPER}.",
        f"- At this scale {verdict}{told(finding.why)}.",
    ]
    lines += [f"- Spread: {finding.spread}."] if finding.spread else []
    lines += [f"- Records: {', '.join(dict.fromkeys(records))}."] if records else []
    return [*lines, ""]


def told(reason: str) -> str:
    return f" ({reason})" if reason else ""

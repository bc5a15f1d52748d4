"""Estimate how long a class needs for a lesson, section by section, and measure its cells.

``python -m tools.lesson_clock notebooks/00_start_here.ipynb`` goes through an executed lesson as a
student who reads every cell, and prints a table with the clock beside each section. Reading,
predicting and looking are rates (``RATES``), assumptions that stand in the table's last line; with
``--execute`` the seconds of the cells are measured by running the lesson in a fresh kernel.
"""

import argparse
import re
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

HEADING = re.compile(r"^##? +(.+)$", re.MULTILINE)
CUT = re.compile(r"^(?=##? )", re.MULTILINE)
PREDICT = re.compile(r"(?<!each\s)\*\*Predict")  # not where the lesson explains the word
END = ("Exercises", "The course", "What we did")  # nobody reads these sections in class


@dataclass(frozen=True)
class Rates:
    """What a student is assumed to need."""

    words_a_minute: float = 180.0
    seconds_a_line: float = 3.0  # of code that is read and not typed
    seconds_a_prediction: float = 75.0  # to write it down and to compare with a neighbour
    seconds_a_figure: float = 20.0


RATES = Rates()


@dataclass
class Section:
    """What stands below one heading."""

    title: str
    words: int = 0
    lines: int = 0
    predictions: int = 0
    figures: int = 0
    seconds: float = 0.0  # of its cells, measured

    def minutes(self, rates: Rates = RATES) -> float:
        """Add up reading, predicting, looking and waiting."""
        others = (
            self.lines * rates.seconds_a_line
            + self.predictions * rates.seconds_a_prediction
            + self.figures * rates.seconds_a_figure
            + self.seconds
        )
        return self.words / rates.words_a_minute + others / 60


def sections_of(notebook: NotebookNode, seconds: dict[int, float]) -> list[Section]:
    """Divide a lesson at its headings of the first two levels.

    Args:
        notebook: an executed lesson.
        seconds: number of a cell -> how long it ran; cells that are missing took no time.
    """
    found: list[Section] = []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            for part in filter(None, CUT.split(cell.source)):
                if heading := HEADING.match(part):
                    found.append(Section(heading[1]))
                found[-1].words += len(part.split())
                found[-1].predictions += len(PREDICT.findall(part))
        else:
            found[-1].lines += sum(bool(line.strip()) for line in cell.source.splitlines())
            found[-1].figures += sum("image/png" in out.get("data", {}) for out in cell.outputs)
            found[-1].seconds += seconds.get(number, 0.0)
    return [section for section in found if section.title not in END]


def cell_seconds(notebook: NotebookNode, folder: Path) -> dict[int, float]:
    """Run the lesson in a fresh kernel and measure each of its code cells."""
    from nbclient import NotebookClient

    began: dict[int, float] = {}
    took: dict[int, float] = {}

    def start(cell: NotebookNode, cell_index: int) -> None:
        began[cell_index] = time.perf_counter()

    def end(cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
        took[cell_index] = time.perf_counter() - began[cell_index]

    client = NotebookClient(notebook, timeout=1800, resources={"metadata": {"path": str(folder)}})
    client.on_cell_execute, client.on_cell_executed = start, end
    client.execute()
    return took


def table(sections: list[Section]) -> str:
    """Format the clock: when each section begins, and what its minutes are made of."""
    rows = ["| from | minutes | section | words | predictions | figures | cells run |"]
    rows.append("|---|---|---|---|---|---|---|")
    clock = 0.0
    for section in sections:
        rows.append(
            f"| {clock:.0f} | {section.minutes():.1f} | {section.title} | {section.words} | "
            f"{section.predictions} | {section.figures} | {section.seconds:.0f} s |"
        )
        clock += section.minutes()
    rows.append(f"| {clock:.0f} | | end | {sum(each.words for each in sections)} | | | |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="+", type=Path, metavar="NOTEBOOK")
    parser.add_argument("--execute", action="store_true", help="measure the cells, too")
    options = parser.parse_args()
    for path in options.lessons:
        notebook = nbformat.read(path, as_version=4)
        seconds = cell_seconds(notebook, path.parent) if options.execute else {}
        print(f"\n{path.stem}\n\n{table(sections_of(notebook, seconds))}")
    print(f"\nAssumed: {RATES}")


if __name__ == "__main__":
    main()

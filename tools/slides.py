"""Turn lessons into slides.

    python tools/slides.py --out slides notebooks/02_similarity_matrix.ipynb    # or: make slides

A heading begins a slide. Below it, each prediction, each figure and each explanation after a figure
is one step down (press the down key, or space). A figure stands alone, without the code that drew
it; short code without a figure stays beside its words. The first cell, exercises and links are left
out. What is shown comes from the executed notebook.

A browser takes reveal.js from the network, unless --reveal names a folder or an address that has
it.
"""

import argparse
import re
from pathlib import Path

import nbformat
from nbconvert import SlidesExporter

LONGEST = 650  # letters of words on one slide
LEFT_OUT = ("Exercises", "The course")


def slides(notebook) -> nbformat.NotebookNode:
    """Make the notebook with one cell for each step of a slide, and its place in the metadata."""
    shown, skipping = [], False
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            continue
        for step in steps(cell):
            heading = re.match(r"#+ (.*)", step.source) if step.cell_type == "markdown" else None
            skipping = heading[1].strip() in LEFT_OUT if heading else skipping
            if not skipping:
                place = place_of(step, shown[-1] if shown else None)
                step.metadata["slideshow"] = {"slide_type": place}
                shown.append(step)
    deck = nbformat.v4.new_notebook(
        cells=shown, metadata={"kernelspec": notebook.metadata.kernelspec}
    )
    return deck


def steps(cell) -> list:
    """Cut a text at headings, at predictions, and where it is too long; code is one step."""
    if cell.cell_type != "markdown":
        return [cell]
    parts, part = [], []
    for paragraph in re.split(r"\n\n+", cell.source):
        new = (
            re.match(r"#|\*\*Predict", paragraph) or sum(map(len, part)) + len(paragraph) > LONGEST
        )
        if new and part and not part[-1].startswith("#"):
            parts, part = [*parts, part], []
        part.append(paragraph)
    return [nbformat.v4.new_markdown_cell("\n\n".join(part)) for part in [*parts, part]]


def place_of(step, before) -> str:
    """Place a step: "slide" to the right, "subslide" down, "-" on the slide of the step before."""
    if step.cell_type == "markdown":
        return "slide" if re.match(r"##? ", step.source) else "subslide"
    if has_picture(step):
        step.metadata["tags"] = ["remove_input"]
        return "subslide"
    return "-" if before is not None and before.cell_type == "markdown" else "subslide"


def has_picture(cell) -> bool:
    return any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


def export(path: Path, folder: Path, reveal: str | None = None) -> Path:
    exporter = SlidesExporter(theme="simple", exclude_input_prompt=True, exclude_output_prompt=True)
    if reveal:
        exporter.reveal_url_prefix = reveal
    exporter.register_preprocessor("nbconvert.preprocessors.TagRemovePreprocessor", enabled=True)
    for each in exporter._preprocessors:
        if hasattr(each, "remove_input_tags"):
            each.remove_input_tags = {"remove_input"}
    page, _ = exporter.from_notebook_node(slides(nbformat.read(path, as_version=4)))
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"{path.stem}.slides.html"
    out.write_text(page, encoding="utf-8")
    return out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("slides"))
    parser.add_argument(
        "--reveal", help="folder or address of reveal.js, for a room without network"
    )
    arguments = parser.parse_args()
    for notebook in arguments.notebooks:
        print(export(notebook, arguments.out, arguments.reveal))

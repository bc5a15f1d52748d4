"""Every number that a lesson quotes from a paper is in docs/paper_facts.toml, with its source, and
stands beside the name of its model and its classifier.
"""

import re
from pathlib import Path

import pytest
from notebook_runner import NOTEBOOKS

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

jupytext = pytest.importorskip("jupytext")

TABLE = tomllib.loads(
    (Path(__file__).parents[2] / "docs" / "paper_facts.toml").read_text(encoding="utf-8")
)
LESSONS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.py"))
OTHERS = ("05", "12", "15")  # their numbers are not in the table yet

# What makes a sentence one about somebody else's models.
ABOUT_PAPERS = re.compile(
    r"\bpapers?\b|\barticle\b|et al\.|OpenAI|ViT-|RN50|\breleased\b|ImageNet|SCAM|NegBench|GPT-"
    r"|SigLIP|WiSE-FT|Granny Smith|photographs|CLIPs\b"
)
# Numbers that name something and measure nothing.
NAMES = re.compile(
    r"(sections?|figures?|Figs?\.|tables?|lessons?|appendix|appendices|arXiv)\s+[\dA-Z][\d.]*"
    r"(\s*(,|and|to)\s*(tables? |figures? |sections? )?[\d.]+)*"
    r"|\b(19|20)\d\d\b|ViT-[BL]/\d+(@\d+)?|RN\d+(x\d+)?|ResNet-\d+|YFCC100M|CIFAR-?\d+"
    r"|LAION-2B|STL-10|ImageNetV2|GPT-4o|\]\([^)]*\)|`[^`]*`",
    re.IGNORECASE,
)
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def paragraphs(path: Path) -> list[str]:
    """The prose of a lesson without its list of sources, one line for each paragraph."""
    cells = [cell.source for cell in jupytext.read(path).cells if cell.cell_type == "markdown"]
    parts = [" ".join(part.split()) for cell in cells for part in re.split(r"\n\s*\n", cell)]
    return [part for part in parts if not re.match(r"(The paper|The article|Sources): ", part)]


def sentences(paragraph: str) -> list[str]:
    return re.split(r"(?<=[.!?:])\s+(?=[A-Z(*])", paragraph)


def numbers(text: str) -> set[str]:
    return {found.strip(",") for found in NUMBER.findall(NAMES.sub(" ", text))}


def known(lesson: str, paragraph: str) -> set[str]:
    """The numbers that this paragraph may quote."""
    ours = [entry for entry in TABLE["ours"] if entry["lesson"] == lesson]
    facts = [
        entry
        for entry in TABLE["fact"]
        if entry["lesson"] == lesson and all(word in paragraph for word in entry["says"])
    ]
    return {number for entry in [*ours, *facts] for number in entry["numbers"]}


@pytest.mark.parametrize("path", LESSONS, ids=[path.stem for path in LESSONS])
def test_a_number_from_a_paper_names_its_model_and_stands_in_the_table(path):
    lesson = path.name[:2]
    if lesson in OTHERS:
        pytest.skip("not in the table yet")
    unknown = [
        (sorted(numbers(sentence) - known(lesson, paragraph)), sentence)
        for paragraph in paragraphs(path)
        for sentence in sentences(paragraph)
        if ABOUT_PAPERS.search(sentence) and not numbers(sentence) <= known(lesson, paragraph)
    ]
    assert not unknown, "put them into docs/paper_facts.toml, or name model and classifier"


@pytest.mark.parametrize(
    "fact", TABLE["fact"], ids=[f"{fact['lesson']} {fact['what'][:40]}" for fact in TABLE["fact"]]
)
def test_a_fact_of_the_table_is_quoted_beside_its_model(fact):
    assert all(fact[key] for key in ("what", "model", "classifier", "says", "source"))
    (path,) = NOTEBOOKS.glob(f"{fact['lesson']}_*.py")
    quoting = [text for text in paragraphs(path) if all(word in text for word in fact["says"])]
    quoted = set().union(*map(numbers, quoting))
    assert set(fact["numbers"]) <= quoted, f"{path.name} no longer says so"

"""README and docs: computed parts are fresh, links lead somewhere, commands exist, launch links
need an address.
"""

import importlib.util
import re
from pathlib import Path

import pytest

from clipbench.evaluate.records.claims import ABSENT, APPEARS, ENOUGH, UNTESTED, registered
from clipbench.paper_figures import FIGURES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def script(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build, findings = script("build"), script("findings")


@pytest.mark.parametrize("page", build.PAGES, ids=lambda page: page.name)
def test_computed_parts_are_fresh(page):
    text = page.read_text(encoding="utf-8")
    assert text == build.filled(text), "run make docs"


@pytest.fixture(scope="module")
def figures():
    return findings.all_figures()


def test_the_findings_are_fresh(figures):
    page = findings.PAGE.read_text(encoding="utf-8")
    assert page == findings.page(findings.load_records(), figures), "run make docs"


def test_a_finding_follows_its_records_and_their_absence_is_told(figures):
    records = findings.load_records()
    assert findings.outcomes(records, figures)["captions-must-count"].verdict == APPEARS
    swapped = dict(records)
    for seed in "012":
        swapped[f"counting-tiny-{seed}"] = records[f"counting-no-counts-{seed}"]
    assert findings.outcomes(swapped, figures)["captions-must-count"].verdict == ABSENT
    without = {name: record for name, record in records.items() if "no-counts" not in name}
    outcome = findings.outcomes(without, figures)["captions-must-count"]
    assert outcome.verdict == UNTESTED and "the control is not measured" in outcome.why


def test_no_verdict_stands_without_trainings_interval_and_control(figures):
    for name, outcome in findings.outcomes(findings.load_records(), figures).items():
        claim = registered()[name]
        if outcome.verdict == UNTESTED:
            assert outcome.why, name
            continue
        assert outcome.effect.has_interval and outcome.control is not None, name
        if outcome.verdict in (APPEARS, ABSENT):
            assert outcome.effect.trainings >= (1 if claim.single else ENOUGH), name
        else:
            assert outcome.why, name


def test_every_changed_verdict_is_listed_with_its_reason(figures):
    found = findings.outcomes(findings.load_records(), figures)
    listed = findings.PAGE.read_text(encoding="utf-8").split("## What changed its verdict")[1]
    for name, outcome in found.items():
        claim = registered()[name]
        if claim.before not in ("", outcome.verdict):
            assert f"| {claim.said} | {claim.before} | {outcome.verdict} |" in listed
            assert claim.changed or outcome.why, name


def test_every_figure_has_a_claim():
    assert FIGURES.keys() <= registered().keys()


def test_a_stale_part_is_noticed():
    stale = "before\n<!-- lessons -->\nold\n<!-- /lessons -->\nafter"
    assert (
        build.filled(stale)
        == f"before\n<!-- lessons -->\n{build.lessons()}\n<!-- /lessons -->\nafter"
    )


def test_links_come_from_the_one_address_of_the_project():
    links = build.launch_links("https://github.com/some-body/their.repo.git", "v1")
    lab = "https://mybinder.org/v2/gh/some-body/their.repo/v1?urlpath=lab/tree/notebooks/00_start_here.ipynb"
    assert links["Lessons on Binder"] == lab
    colab = "https://colab.research.google.com/github/some-body/their.repo/blob/v1/notebooks/00_start_here.ipynb"
    assert links["Lessons on Colab"] == colab
    if build.start_page():
        assert links["Apps on Binder"].endswith(f"/v1?urlpath=voila/render/{build.start_page()}")
        assert (ROOT / build.start_page()).exists()


def test_an_address_elsewhere_is_refused():
    with pytest.raises(ValueError, match="no address of a GitHub repository"):
        build.launch_links("https://example.org/clipbench")


def test_without_an_address_there_is_no_launch_link(monkeypatch):
    monkeypatch.setattr(build, "project_address", lambda: None)
    assert build.badges() == ""
    monkeypatch.setattr(build, "project_address", lambda: "https://github.com/a/b")
    assert "mybinder.org/v2/gh/a/b/HEAD" in build.badges()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_repository_lead_to_files(page):
    links = re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", page.read_text(encoding="utf-8"))
    inside = [link for link in links if not link.startswith("http")]
    assert not [link for link in inside if not (page.parent / link).exists()]


def test_every_make_target_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    for page in PAGES:
        named = re.findall(
            r"`make ([\w -]+?)[`=A-Z]|^make ([\w-]+)",
            page.read_text(encoding="utf-8"),
            re.MULTILINE,
        )
        words = {word for pair in named for group in pair for word in group.split()}
        assert words <= targets, f"{page.name}: {words - targets}"


def test_the_readme_names_every_app_and_fits_on_a_few_screens():
    import clipbench_widgets

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    apps = [name for name in clipbench_widgets.__all__ if name != "StartPage"]
    assert not [name for name in apps if f"| `{name}` |" not in text]
    assert len(text.splitlines()) <= 200


def test_commands_in_the_readme_are_understood():
    from clipbench.cli.main import build_parser

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(
        r"^(?:torchrun --nproc-per-node 2 -m )?clipbench (.*?)(?:\s+#.*)?$", text, re.MULTILINE
    )
    assert len(commands) >= 10
    import shlex

    for command in commands:
        build_parser().parse_args(shlex.split(command))

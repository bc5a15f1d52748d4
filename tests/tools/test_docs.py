"""README and docs: computed parts are fresh, links lead somewhere, commands exist, launch links
need an address.
"""

import importlib.util
import re
from pathlib import Path

import pytest

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


def test_the_findings_are_fresh():
    page = findings.PAGE.read_text(encoding="utf-8")
    assert page == findings.page(findings.load_records()), "run make docs"


def test_a_finding_follows_its_records_and_their_absence_is_told():
    records = findings.load_records()
    digits, pixels = records["classroom-digits"], records["digits-pixels-probe"]
    (claim,) = [each for each in findings.CLAIMS if "digits-pixels-probe" in each.records]
    assert claim.seen([digits], [pixels]).appears == findings.YES
    assert claim.seen([pixels], [digits]).appears == findings.NO
    without = findings.page(
        {name: record for name, record in records.items() if name != "digits-pixels-probe"}
    )
    assert claim.said in without.split("## Not measured yet")[1]


def test_seeds_get_students_interval():
    assert findings.over_seeds([1.0, 2.0, 3.0]) == "2.0 % (-0.5 to 4.5, 3 seeds)"
    assert findings.over_seeds([1.0, 2.0]) == "1.0 and 2.0 % (two seeds)"


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

"""Fill the parts of README.md and docs/*.md that are computed.

Run it with ``python tools/docs/build.py`` (make docs). A part stands between <!-- name --> and
<!-- /name -->. A test fails when one of them is stale.

* the first cell of every notebook, see tools/docs/colab.py
* badges: Binder, Colab and app links from the one address in pyproject.toml; nothing while there is
  none
* lessons, notebooks, clock NN: what each lesson is, with seconds and memory from
  clipbench/assets/records/notebooks.json
"""

import json
import re
import sys
from functools import partial
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # run as a script, this folder is what Python knows
from tools.docs import colab  # noqa: E402

RECORDS = ROOT / "clipbench" / "assets" / "records"
PAGES = [ROOT / "README.md", *(ROOT / "docs" / name for name in ("teaching.md", "lecturers.md"))]
BINDER, COLAB = "https://mybinder.org/v2/gh", "https://colab.research.google.com/github"


# --- launch links ------------------------------------------------------------------------------


def project_address() -> str | None:
    """Read the one address of the project: [project.urls] Repository in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project.get("urls", {}).get("Repository")


def launch_links(address: str, version: str = "HEAD") -> dict[str, str]:
    """Give the links that start the lessons or the apps with a click, for a GitHub repository."""
    match = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(\.git)?/?", address)
    if not match:
        raise ValueError(
            f"{address} is no address of a GitHub repository, so Binder and Colab links "
            "cannot be made"
        )
    start = "notebooks/00_start_here.ipynb"
    links = {
        "Lessons on Binder": f"{BINDER}/{match[1]}/{version}?urlpath=lab/tree/{start}",
        "Lessons on Colab": f"{COLAB}/{match[1]}/blob/{version}/{start}",
    }
    if (app := start_page()) is not None:
        links["Apps on Binder"] = f"{BINDER}/{match[1]}/{version}?urlpath=voila/render/{app}"
    return links


def start_page() -> str | None:
    """Find the notebook that Voila shows as the apps' start page."""
    pages = sorted((ROOT / "app").glob("*.ipynb"))
    return pages[0].relative_to(ROOT).as_posix() if pages else None


def badges() -> str:
    address = project_address()
    if address is None:
        return ""
    links = launch_links(address)
    return " · ".join(f"[{name}]({link})" for name, link in links.items())


# --- lessons -----------------------------------------------------------------------------------


def lesson_sources() -> list[Path]:
    return sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.py"))


def title_of(source: Path) -> str:
    """Read the heading of a lesson, without its number."""
    return re.search(r"^# # \d\d (.*)$", source.read_text(encoding="utf-8"), re.MULTILINE)[1]


def minutes_of(source: Path) -> str:
    """Read how long the lesson says that it takes."""
    text = source.read_text(encoding="utf-8").replace("\n# ", " ")
    found = re.search(r"[Ii]t takes about ([\d]+(?: to \d+)?) minutes", text)
    return found[1] if found else "–"


def measured() -> dict[str, dict]:
    """Read each lesson's row in the record of tools/measure_notebooks.py."""
    record = RECORDS / "notebooks.json"
    rows = json.loads(record.read_text(encoding="utf-8"))["notebooks"] if record.exists() else []
    return {row["notebook"]: row for row in rows}


def cost_of(name: str) -> tuple[str, str]:
    row = measured().get(name)
    return (f"{row['seconds']:.0f} s", f"{row['peak_mb']:,} MB") if row else ("–", "–")


def lessons() -> str:
    rows = ["| lesson | to teach | runs in | memory | exercises |", "|---|---|---|---|---|"]
    for source in lesson_sources():
        name, number = source.stem, source.stem[:2]
        seconds, memory = cost_of(name)
        exercise = ROOT / "notebooks" / "exercises" / f"{name}.ipynb"
        link = f"[{number}](notebooks/exercises/{exercise.name})" if exercise.exists() else ""
        rows.append(
            f"| [{number} {title_of(source)}](notebooks/{name}.ipynb) | "
            f"{minutes_of(source)} min | {seconds} | "
            f"{memory} | {link} |"
        )
    return "\n".join(rows)


def notebooks() -> str:
    rows = ["| lesson | minutes to teach | seconds to run | peak memory |", "|---|---|---|---|"]
    for source in lesson_sources():
        seconds, memory = cost_of(source.stem)
        rows.append(
            f"| {source.stem} | {minutes_of(source)} | {seconds.removesuffix(' s')} | {memory} |"
        )
    known = [
        row for name, row in measured().items() if (ROOT / "notebooks" / f"{name}.py").exists()
    ]
    if known:
        total, peak = sum(row["seconds"] for row in known), max(row["peak_mb"] for row in known)
        rows.append(f"| all | | {total:.0f} | {peak:,} MB |")
    return "\n".join(rows)


# --- pages -------------------------------------------------------------------------------------


def clock(source: Path) -> str:
    """Say in one line how long a lesson takes to teach and to run."""
    seconds, memory = cost_of(source.stem)
    runs = f"*Run All* {seconds}, {memory}" if seconds != "–" else "*Run All* not measured yet"
    return f"About {minutes_of(source)} minutes; {runs}."


PARTS = {"badges": badges, "lessons": lessons, "notebooks": notebooks}
PARTS |= {f"clock {source.stem[:2]}": partial(clock, source) for source in lesson_sources()}


def filled(text: str) -> str:
    """Fill a page's computed parts anew."""
    for name, make in PARTS.items():
        pattern = re.compile(rf"(<!-- {name} -->\n)[\s\S]*?(<!-- /{name} -->)")
        if pattern.search(text):
            content = make()
            text = pattern.sub(
                lambda found, new=content: found[1] + (new and new + "\n") + found[2], text
            )
    return text


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
        print(page.relative_to(ROOT))
    for notebook in colab.write(ROOT / "notebooks", project_address()):
        print(notebook.relative_to(ROOT))

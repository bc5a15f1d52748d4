"""``clipbench compare``: what differs between records of ``clipbench eval --out``.

Switches come first.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from clipbench.cli.shared import Options, add
from clipbench.errors import UserError


@dataclass(frozen=True, kw_only=True)
class CompareOptions(Options):
    records: list[Path]
    csv: Path | None


def add_to(commands) -> None:
    about = "why numbers differ: the switches of records, their numbers, and a paired test of two"
    parser = add(commands, "compare", compare, show, about, CompareOptions)
    parser.add_argument(
        "records", nargs="+", type=Path, metavar="RECORD", help="files of clipbench eval --out FILE"
    )
    parser.add_argument(
        "--csv", type=Path, metavar="FILE", help="also write a table of all of them"
    )


def compare(options: CompareOptions) -> dict:
    from clipbench.evaluate.records.compare import compare, table
    from clipbench.evaluate.records.record import read_record

    if len(options.records) < 2:
        raise UserError("give two or more records to compare")
    records = dict(zip(names_of(options.records), map(read_record, options.records), strict=True))
    columns, rows = table(records)
    if options.csv:
        write_csv(options.csv, columns, rows)
    if len(records) == 2:
        return {"records": list(records), **compare(*records.values())}
    return {"records": list(records), "columns": columns, "rows": rows}


def names_of(files: list[Path]) -> list[str]:
    """Give file names, or whole paths where file names are the same."""
    names = [file.name for file in files]
    if len(set(names)) == len(names):
        return names
    if len(set(files)) < len(files):
        raise UserError("one of the records is given twice")
    return [str(file) for file in files]


def write_csv(file: Path, columns: list[str], rows: list[list[str]]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "w", newline="", encoding="utf-8", errors="backslashreplace") as out:
            csv.writer(out).writerows([columns, *rows])
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}") from None


def show(result: dict) -> str:
    from clipbench.evaluate.records.compare import difference_of, shown_table

    if "rows" in result:
        return shown_table(result["columns"], result["rows"])
    lines = [
        f"first: {result['records'][0]}, second: {result['records'][1]}",
        "",
        "switches that differ",
    ]
    lines += [
        f"  {name:<24} {difference_of(**each)}" for name, each in result["switches"].items()
    ] or ["  none"]
    numbers = [
        [name, shown(each["first"]), shown(each["second"]), f"{each['difference']:+.4g}"]
        for name, each in result["metrics"].items()
    ]
    table = shown_table(["number", "first", "second", "difference"], numbers)
    lines += [
        "",
        *(f"  {line}" for line in table.splitlines()),
        "",
        *show_paired(result["paired"]),
        result["verdict"],
    ]
    return "\n".join(lines)


def shown(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:.4g}"


def show_paired(paired: dict) -> list[str]:
    if "why_not" in paired:
        return [f"not paired: {paired['why_not']}"]
    interval = f"95 % bootstrap {paired['difference_low']:+.4f} to {paired['difference_high']:+.4f}"
    return [
        f"paired over {paired['pictures']:,} pictures: only the first is right on "
        f"{paired['only_first']:,}, only the"
        f" second on {paired['only_second']:,}",
        f"difference {paired['difference']:+.4f} ({interval}), McNemar's exact p = "
        f"{paired['p']:.2g}",
    ]

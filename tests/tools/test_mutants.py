"""Facts about seeded faults: which there are, that each can be found again elsewhere, and what
is drawn.
"""

import ast

import pytest

from tools.faults import Fault, apply, find, places
from tools.mutants import draw, is_wanted, planted

SOURCE = '''
"""A module."""
import functools

LIMIT = 3


class Box:
    size: int = 2

    def area(self, scale=1.5, *, strict=True):
        """Not 7."""
        if not self.size < LIMIT and scale:
            raise ValueError(f"{LIMIT + 1} is too much" + str(4))
        text = "ä" + str(scale - 1)
        return max(self.size * scale, rows.sum(dim=-1, keepdim=True))


@functools.cache
def table():
    return [0.5, 1e-6, True]
'''


def changes(source: str, symbol: str) -> set[tuple[str, str]]:
    return {
        (each.fault.before, each.fault.after)
        for each in places(source)
        if each.fault.symbol == symbol
    }


def test_a_function_has_the_faults_of_its_expressions_and_no_others():
    assert changes(SOURCE, "Box.area") == {
        ("not self.size < LIMIT and scale", "not self.size < LIMIT or scale"),
        ("not self.size < LIMIT", "self.size < LIMIT"),
        ("self.size < LIMIT", "self.size <= LIMIT"),
        ("scale - 1", "scale + 1"),
        ("1", "2"),
        ("max", "min"),
        ("self.size * scale", "self.size / scale"),
        ("rows.sum", "rows.mean"),
        ("-1", "0"),
        ("True", "False"),
        ("rows.sum(dim=-1, keepdim=True)", "rows.sum(keepdim=True)"),
        ("rows.sum(dim=-1, keepdim=True)", "rows.sum(dim=-1)"),
    }


def test_what_a_message_a_tolerance_and_a_text_say_is_left_alone():
    assert changes(SOURCE, "table") == {("0.5", "0.6"), ("True", "False")}
    assert ("LIMIT + 1", "LIMIT - 1") not in {
        pair for symbol in ("", "Box.area") for pair in changes(SOURCE, symbol)
    }


def test_defaults_and_constants_belong_to_what_is_around_them():
    assert changes(SOURCE, "") == {("3", "4")}
    assert changes(SOURCE, "Box") == {("2", "3"), ("1.5", "1.8"), ("True", "False")}


def test_what_runs_once_for_many_tests_is_known():
    once = {each.fault.symbol: each.once for each in places(SOURCE)}
    assert once == {"": True, "Box": True, "Box.area": False, "table": True}


def test_a_source_with_a_fault_differs_in_that_expression_only():
    for place in places(SOURCE):
        changed = apply(SOURCE, place)
        ast.parse(changed)
        before, after = SOURCE.encode()[place.start : place.end].decode(), f"({place.fault.after})"
        assert (
            changed
            == SOURCE.encode()[: place.start].decode()
            + after
            + SOURCE.encode()[place.end :].decode()
        )
        assert before != after


def fault(before: str) -> Fault:
    return next(each.fault for each in places(SOURCE, "old/box.py") if each.fault.before == before)


@pytest.mark.parametrize(
    "change",
    [
        lambda source: source,
        lambda source: (
            "\n\n" + source.replace("max(self.size * scale, ", "max(\n    self.size * scale,\n    ")
        ),
        lambda source: source.replace("def area(self", "def area(self, new=None"),
        lambda source: source.replace("class Box", "class Crate"),
        lambda source: source.replace(
            "return max(self.size * scale", "return max(self.sizes * scale"
        ),
    ],
    ids=["as it was", "formatted", "another argument", "a renamed class", "a renamed field"],
)
def test_a_fault_is_found_in_another_layout(change):
    moved = {"new/box.py": places(change(SOURCE), "new/box.py")}
    name, place = find(fault("self.size * scale"), moved)
    assert name == "new/box.py" and place.fault.after.endswith(" / scale")


def test_a_fault_of_what_is_gone_is_not_found():
    source = SOURCE.replace(
        "return max(self.size * scale, rows.sum(dim=-1, keepdim=True))", "return other.volume()"
    )
    assert find(fault("self.size * scale"), {"box.py": places(source, "box.py")}) is None


def test_of_two_equal_places_the_nearer_file_is_taken():
    both = {name: places(SOURCE, name) for name in ("far/away.py", "new/box.py")}
    assert find(fault("self.size * scale"), both)[0] == "new/box.py"


def test_a_fault_is_planted_for_a_while(tmp_path):
    file = tmp_path / "box.py"
    file.write_text(SOURCE)
    place = next(each for each in places(SOURCE) if each.fault.before == "scale - 1")
    with pytest.raises(KeyError), planted(file, place):
        assert "(scale + 1)" in file.read_text()
        raise KeyError
    assert file.read_text() == SOURCE


def test_faults_are_chosen_by_number_and_by_outcome():
    entries = [{"outcome": "caught"}, {"outcome": "survived"}, {"equivalent": "why"}, {}]
    chosen = [
        [number for number, entry in enumerate(entries) if is_wanted(number, entry, *asked)]
        for asked in [("", ""), ("survived", ""), ("", "0,2"), ("survived", "0,1")]
    ]
    assert chosen == [[0, 1, 3], [1, 3], [0], [1]]


def test_a_draw_is_a_function_of_its_seed_and_hits_a_line_once():
    files = {"a.py": SOURCE, "b.py": SOURCE.replace("LIMIT", "MOST")}
    drawn = draw(files, 8, seed=1)
    assert drawn == draw(files, 8, seed=1) != draw(files, 8, seed=2)
    assert len({(each.module, each.symbol, each.statement) for each in drawn}) == 8

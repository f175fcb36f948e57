"""The table of the benchmarks says what was measured, and the README says what the table says."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "bench"))

import rows
import table


def row(**changes):
    fields = {
        "place": "01",
        "what": "something",
        "against": "the other way",
        "goal": 3.0,
        "sense": "at least",
        "unit": "x",
        "value": 4.0,
        "low": 2.5,
        "high": 4.5,
        "repeats": 5,
    }
    return rows.Row(**{**fields, **changes})


def test_readme_and_table_agree():
    measured = table.committed()
    readme = table.README.read_text("utf-8")
    assert table.with_section(readme, measured) == readme, "run `python tests/bench/table.py`"
    assert rows.PAGE.read_text("utf-8") == rows.as_markdown(measured)


def test_the_table_has_a_row_for_each_line_of_the_goals():
    places = {one.place.split("-")[0] for one in table.committed()}
    assert places == {f"{number:02}" for number in range(1, 13)}


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ({"value": 3.0}, True),
        ({"value": 2.99}, False),
        ({"value": 3.0, "sense": "at most"}, True),
        ({"value": 3.01, "sense": "at most"}, False),
    ],
)
def test_a_goal_is_met_at_its_value(changes, met):
    assert row(**changes).met is met


def test_a_row_comes_back_from_the_table():
    made = [row(note="commas, and “quotes”"), row(place="02", peak_mib=12.5, differs=0.0, within=1)]
    assert rows.from_csv(rows.as_csv(made)) == made


def test_what_misses_its_goal_is_told_with_its_limit():
    text = rows.as_markdown([row(value=2.0, limit="the disk")])
    assert "| **no** |" in text
    assert "- something misses its goal: the disk" in text


def test_a_readme_without_markers_is_refused():
    with pytest.raises(ValueError, match=r"must hold .* once each"):
        table.with_section("# Title\n", [row()])


def test_the_section_is_replaced_and_all_else_stays():
    readme = f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n"
    made = table.with_section(readme, [row()])
    assert made.startswith("before\n")
    assert made.endswith("\nafter\n")
    assert "old" not in made
    assert table.with_section(made, [row()]) == made

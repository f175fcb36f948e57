import math
import re

import pytest

from unispace.evaluation.drift import Drift
from unispace.records.golden import KEYS
from unispace.reporting.drift_table import as_markdown, as_text, signed, summary

NAN = math.nan


def drift(kind="value", change=0.05, most=0.01, status="ok", **key):
    names = dict.fromkeys(KEYS, "") | {"experiment": "e", "dataset": "d", "metric": "AUC"} | key
    return Drift(names, kind, 0.8, 0.8 + change, 10, 11, status, change, most)


def test_the_summary_counts_by_kind():
    found = [drift(), drift(), drift("lost", NAN, NAN)]
    assert summary(found, 1234) == "3 of 1,234 cells are not as expected (1 lost, 2 value)"
    assert summary([], 1234) == "all 1,234 cells are as expected"


def test_text_is_aligned_and_says_how_many_are_left_out():
    lines = as_text([drift(), drift(change=-0.5), drift()], 2).splitlines()
    assert lines[3] == "... and 1 more"
    ends = {line.index("e, d, AUC") for line in lines[1:3]}
    assert ends == {lines[0].index("cell")}
    assert "−0.5" in lines[2]
    assert "50.0x" in lines[2]


def test_reasons_of_failures_are_told_once_each():
    failed = [drift("failed", NAN, NAN, "failed: diverged") for _ in range(3)]
    assert as_text(failed, 5).splitlines()[-1] == "Reasons: diverged (3)"
    assert "Reasons: diverged (3)" in as_markdown(failed, 9, "s", 5)


def test_other_numbers_of_items_are_shown_as_such():
    line = as_text([drift("other n", NAN, NAN)], 5).splitlines()[1]
    assert re.search(r"n 10 +n 11 ", line)


def test_markdown_keeps_what_would_be_its_signs():
    shown = as_markdown([drift(model="*", metric="AUC a|b_c")], 9, "s", 5)
    assert r"\*, d, AUC a\|b\_c |" in shown
    rows = [line for line in shown.splitlines() if line.startswith("|")]
    assert len({row.replace(r"\|", "").count("|") for row in rows}) == 1


def test_markdown_of_a_green_gate_has_no_table():
    shown = as_markdown([], 9, "tiny", 5)
    assert shown == "## Results of study `tiny`\n\nAll 9 cells are as expected.\n"


@pytest.mark.parametrize(("value", "shown"), [(0.05, "+0.05"), (-1 / 3, "−0.333"), (0.0, "+0")])
def test_a_difference_has_its_sign(value, shown):
    assert signed(value) == shown


def test_many_lost_cells_leave_room_for_drifts():
    found = [*(drift("lost", NAN, NAN) for _ in range(50)), *(drift() for _ in range(3))]
    kinds = [line.split()[1] for line in as_text(found, 10).splitlines()[1:11]]
    assert kinds == ["lost"] * 7 + ["value"] * 3
    assert as_text(found, 10).splitlines()[11] == "... and 43 more"
    kinds = [
        line.split()[1] for line in as_text(found[:52] + [drift()] * 40, 10).splitlines()[1:11]
    ]
    assert kinds == ["lost"] * 5 + ["value"] * 5

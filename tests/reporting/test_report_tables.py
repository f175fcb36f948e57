"""Numbers as text."""

import math

import pytest

from unispace.reporting.headline import operating_point
from unispace.reporting.tables import cell, number


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.98765, "0.988"),
        (1.0, "1.000"),
        (0.99999, ">0.999"),
        (0.00001, "<0.001"),
        (0.0, "0.000"),
        (-0.00001, ">-0.001"),
    ],
)
def test_number_never_claims_a_perfect_value_that_is_not(value, shown):
    assert number(value) == shown


def test_failed_cell_says_why_and_shows_no_number():
    failed = cell(math.nan, math.nan, math.nan, 12, "failed: too few impostors")
    assert (failed.value, failed.why, failed.exact) == ("failed", "too few impostors", "")


def test_cell_keeps_the_exact_value():
    shown = cell(1 / 3, 0.3, 0.4, 1234, "ok")
    assert (shown.interval, shown.n) == ("[0.300, 0.400]", "1,234")
    assert float(shown.exact) == 1 / 3


def test_operating_point_prefers_one_per_cent_and_else_the_largest():
    assert operating_point(["TMR@FMR=0.001", "TMR@FMR=0.01", "TMR@FMR=0.1"]) == "TMR@FMR=0.01"
    assert operating_point(["TMR@FMR=0.001", "TMR@FMR=0.1"]) == "TMR@FMR=0.1"
    assert operating_point(["AUC"]) is None

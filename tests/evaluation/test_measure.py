"""A measure is either numbers or a reason."""

import math

import pytest

from unispace.evaluation.measure import Measure


def test_a_failed_measure_has_no_numbers_and_says_why():
    measure = Measure.failed("AUC", 12, "identity", ValueError("too few"))
    assert measure.status == "failed: too few"
    assert all(math.isnan(x) for x in (measure.value, measure.lower, measure.upper))


@pytest.mark.parametrize(
    ("numbers", "status", "message"),
    [
        ((math.nan, 0, 1), "ok", "ok, but the numbers are"),
        ((0.5, 0.4, math.inf), "ok", "ok, but the numbers are"),
        ((0.5, 0.6, 0.4), "ok", "interval from 0.6 to 0.4"),
        ((0.0, 0.0, 0.0), "failed: no pairs", "failed, but the numbers are"),
        ((0.5, 0.4, 0.6), "fine", "'ok' or 'failed: why', not 'fine'"),
    ],
)
def test_a_contradiction_is_refused(numbers, status, message):
    with pytest.raises(ValueError, match=f"EER: .*{message}"):
        Measure("EER", *numbers, 10, "identity", status)

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidy_rows import failed, row, table

from unispace.evaluation import drift as module
from unispace.evaluation.drift import allowance, drifts
from unispace.evaluation.expectation import expectation


def between(before, after):
    return drifts(expectation(table(*before)), expectation(table(*after)))


def only(before, after):
    (found,) = between([before], [after])
    return found


def test_equal_results_do_not_drift():
    rows = [row(), failed("too few", metric="EER"), row(metric="GELO", lower=math.nan, upper=math.nan)]  # fmt: skip
    assert between(rows, rows) == []


def test_the_allowance_is_the_largest_of_floor_interval_and_item():
    assert allowance("AUC", 0.001, 10**6) == pytest.approx(0.001)  # the floor
    assert allowance("AUC", 0.2, 10**6) == pytest.approx(0.02)  # a tenth of the half-width
    assert allowance("Rank-1", 0.01, 50) == pytest.approx(1 / 50, abs=2e-6)  # one of 50 probes
    assert allowance("AUC", math.nan, 10**6) == pytest.approx(0.001)  # no interval
    assert allowance("GELO", 0.0, 2) == pytest.approx(0.005)  # a ratio is no share of items
    assert allowance("parameters", 0.0, 1) == pytest.approx(1)
    assert allowance("Rank-1 within - between-p", 0.0, 2000) == pytest.approx(0.02)
    assert allowance("Rank-1", 0.01, 50, together=True) == pytest.approx(0.001)


@given(
    st.sampled_from(["Rank-1", "top-1", "TMR@FMR=0.01", "APCER", "D-EER", "mAP", "accuracy"]),
    st.integers(1, 10**5),
    st.floats(0, 0.5),
)
def test_one_item_always_passes(metric, n, half_width):
    assert allowance(metric, half_width, n) >= 1 / n


@settings(max_examples=20)
@given(st.integers(2, 400), st.data())
def test_a_share_of_items_drifts_from_the_second_item_on(n, data):
    """Where the interval is narrow; rounding to six digits must not decide."""
    k = data.draw(st.integers(0, n - 2))

    def share(found):
        value = found / n
        return row(metric="Rank-1", value=value, lower=value, upper=value, n=n)

    assert only(share(k), share(k + 2)).kind == "value"
    assert between([share(k)], [share(k + 1)]) == []


def test_a_better_result_stops_as_a_worse_one_does():
    for value in (0.75, 0.85):
        found = only(row(), row(value=value))
        assert found.kind == "value"
        assert found.size == pytest.approx(5, rel=1e-6)  # 0.05 against a tenth of 0.1
        assert found.change == pytest.approx(value - 0.8)


def test_a_value_at_its_allowance_passes():
    assert between([row()], [row(value=0.81)]) == []


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (row(), failed("diverged"), "failed"),
        (failed("diverged"), row(), "no longer fails"),
        (failed("too few"), failed("diverged"), "fails otherwise"),
        (row(), row(value=math.nan), "not a number"),
        (row(), row(n=999), "other n"),
        (row(), row(lower=0.65), "interval"),
        (row(), row(upper=math.nan), "interval"),
    ],
)
def test_what_is_wrong_with_a_cell_is_told(before, after, kind):
    assert only(before, after).kind == kind


def test_a_number_that_never_was_one_stops_too():
    assert only(row(value=math.nan), row(value=math.nan)).kind == "not a number"


def test_the_ends_of_an_interval_may_move_twice_as_far():
    assert between([row()], [row(lower=0.72, upper=0.88)]) == []
    found = only(row(), row(lower=0.679))
    assert found.kind == "interval"
    assert found.size == pytest.approx(0.021 / 0.02)


def test_lost_and_new_cells_stop():
    lost, new = row(dataset="gone"), row(dataset="more")
    found = between([row(), lost], [row(), new])
    assert [(one.kind, one.key["dataset"]) for one in found] == [("lost", "gone"), ("new", "more")]
    assert (found[0].before, found[1].after) == (0.8, 0.8)


def test_a_map_that_fails_among_many_is_noticed():
    def pairs(last):
        about = {"model": None, "method": "ridge", "fitted_on": "faces"}
        return [row(source="a", target=str(i), **about) for i in range(20)] + [last | about]

    whole, broken = pairs(row(source="a", target="z")), pairs(failed("x", source="a", target="z"))
    (found,) = between(whole, broken)
    assert (found.kind, found.status) == ("failed", "failed: 1 of 21 cells")
    (found,) = between(whole, whole[:-1])
    assert (found.kind, found.n_before, found.n_after) == ("other n", 21, 20)


def test_the_largest_drift_comes_first():
    before = [row(dataset=d) for d in "abcd"]
    after = [row(dataset="a", value=0.83), row(dataset="b", value=0.6), row(dataset="c", n=5), row(dataset="d")]  # fmt: skip
    assert [one.key["dataset"] for one in between(before, after)] == ["c", "b", "a"]


def test_a_drift_is_named_without_what_is_empty():
    found = only(
        row(model=None, source="a", target="b", method="ridge", fitted_on="faces"),
        row(model=None, source="a", target="b", method="ridge", fitted_on="faces", value=0.1),
    )
    assert found.name == "verification, * to *, ridge, fitted on faces, faces, all-pairs, AUC"


def test_every_floor_says_what_it_is_for():
    assert all(least > 0 and len(reason) > 5 for _, least, reason in module.FLOORS)
    assert module.FLOORS[-1][0] == ""  # what no other pattern matches

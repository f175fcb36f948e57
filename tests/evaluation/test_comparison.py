import math

import pytest
from tidy_rows import failed, row, table

from unispace.evaluation.comparison import (
    BEYOND,
    EQUAL,
    FAIL_BOTH,
    FAILS_A,
    FAILS_B,
    MOVED,
    ONLY_A,
    ONLY_B,
    by_metric,
    compare_runs,
    only_in_one,
    settings_apart,
)


def test_each_cell_is_told_what_became_of_it():
    a = [row(dataset=d) for d in ("equal", "moved", "beyond", "gone", "lost")]
    a += [failed("x", dataset="mended"), failed("x", dataset="never")]
    b = [
        row(dataset="equal"),
        row(dataset="moved", value=0.85),
        row(dataset="beyond", value=0.5),
        failed("y", dataset="lost"),
        row(dataset="mended"),
        failed("y", dataset="never"),
        row(dataset="more"),
    ]
    found = compare_runs(table(*a), table(*b)).set_index("dataset")["kind"].to_dict()
    assert found == {
        "equal": EQUAL, "moved": MOVED, "beyond": BEYOND, "gone": ONLY_A, "more": ONLY_B, "lost": FAILS_B,
        "mended": FAILS_A, "never": FAIL_BOTH,
    }  # fmt: skip


def test_a_change_is_measured_by_the_wider_of_both_intervals():
    a, b = row(value=0.8, lower=0.7, upper=0.9), row(value=0.7, lower=0.3, upper=0.7)
    (found,) = compare_runs(table(a), table(b)).to_dict("records")
    assert found["change"] == pytest.approx(-0.1)
    assert found["half_width"] == pytest.approx(0.2)
    assert found["size"] == pytest.approx(0.5)
    assert (found["value_a"], found["value_b"], found["n_a"]) == (0.8, 0.7, 1000)


def test_the_change_of_a_number_without_interval_has_no_size_and_comes_first():
    bare = {"dataset": "bare", "lower": math.nan, "upper": math.nan}
    a, b = [row(**bare), row()], [row(**bare, value=0.79), row(value=0.5)]
    found = compare_runs(table(*a), table(*b))
    assert found["dataset"].tolist() == ["bare", "faces"]
    assert math.isinf(found["size"].iloc[0])
    assert found["kind"].tolist() == [BEYOND, BEYOND]


def test_both_directions_differ_in_sign_alone():
    a = table(*(row(dataset=d, value=v) for d, v in (("a", 0.1), ("b", 0.9))))
    b = table(*(row(dataset=d, value=v) for d, v in (("a", 0.3), ("b", 0.85))))
    one, other = (compare_runs(*pair) for pair in ((a, b), (b, a)))
    assert one["change"].tolist() == [-x for x in other["change"]]
    assert one["size"].tolist() == other["size"].tolist()


def test_metrics_are_summed_up_over_their_cells():
    a = [row(model=m) for m in "abc"] + [row(metric="EER"), failed("x", model="d")]
    b = [row(model="a", value=0.9), row(model="b", value=0.85), row(metric="EER"), failed("x", model="d")]  # fmt: skip
    found = by_metric(compare_runs(table(*a), table(*b))).set_index("metric")
    auc = found.loc["AUC"]
    assert (auc["cells"], auc[MOVED], auc[BEYOND], auc[ONLY_A], auc[FAIL_BOTH]) == (4, 2, 0, 1, 1)
    assert auc["change"] == pytest.approx(0.075)
    assert auc["size"] == pytest.approx(1)
    assert found.loc["EER", EQUAL] == 1
    assert found.index.tolist() == ["AUC", "EER"]


def test_what_one_run_has_alone_is_named():
    a = [row(), row(model=None, source="s", target="t", method="ridge")]
    b = [row(), row(dataset="cars")]
    assert only_in_one(compare_runs(table(*a), table(*b))) == {
        "model": (["s", "t"], []),
        "method": (["ridge"], []),
        "dataset": ([], ["cars"]),
    }
    assert only_in_one(compare_runs(table(*b), table(*b))) == {}


def test_a_cell_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="1 cells stand twice in run B"):
        compare_runs(table(row()), table(row(), row()))


def test_settings_are_compared_key_by_key():
    a = {"study": "x", "deep": {"same": 1, "list": [1, {"k": None}], "gone": True}, "empty": {}}
    b = {"study": "x", "deep": {"same": 1, "list": [1, {"k": 2}]}, "empty": {"now": 0.5}}
    assert settings_apart(a, b) == [
        ("deep.list", "[1, {k: null}]", "[1, {k: 2}]"),
        ("deep.gone", "true", ""),
        ("empty", "{}", ""),
        ("empty.now", "", "0.5"),
    ]
    assert settings_apart(a, a) == []

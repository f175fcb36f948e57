"""Rows and curves of models whose training failed."""

import numpy as np
import pandas as pd
import pytest

from unispace.evaluation.measure import Measure
from unispace.evaluation.tidy import Cell, blanked, of_whole, points, rows

GOOD, BAD = "b/good/seed0", "b/bad/seed0"
WHY = {BAD: "the loss of `faces` became nan at step 3 with learning rate 1; lower it"}


def about(**ends):
    return Cell(study="s", dataset="d", seed=1, origin="o", experiment="e", protocol="p", **ends)


ENDS = {
    "good": {"model": GOOD},
    "bad": {"model": BAD},
    "from": {"source": BAD, "target": GOOD, "method": "ridge"},
    "to": {"source": GOOD, "target": BAD, "method": "ridge"},
    "whole": {"source": GOOD, "target": GOOD, "method": "ridge"},
}
OK = Measure("AUC", 0.7, 0.6, 0.8, 9, "identity", chance=0.5)
EMPTY = Measure.failed("EER", 9, "identity", "too few")


@pytest.fixture
def table():
    parts = [rows(about(**ends), [OK, EMPTY]).assign(name=n) for n, ends in ENDS.items()]
    return pd.concat(parts, ignore_index=True)


def test_a_failed_model_has_no_numbers_and_says_why(table):
    before = table.copy()
    found = blanked(table, WHY)
    pd.testing.assert_frame_equal(table, before)
    numbers = ["value", "lower", "upper"]
    own = found[found["name"].isin(["bad", "from", "to"])]
    assert own[numbers].isna().all(axis=None)
    why = WHY[BAD]
    told = own.groupby("name")["status"].unique().map(list)
    assert {name: status for name, (status,) in told.items()} == {
        "bad": f"failed: {why}",
        "from": f"failed: {BAD}: {why}",
        "to": f"failed: {BAD}: {why}",
    }
    kept = ["metric", "chance", "n", "unit", "origin", "method", "source", "target", "model"]
    pd.testing.assert_frame_equal(found[kept], table[kept])


def test_other_rows_stay_as_they_are(table):
    found = blanked(table, WHY)
    others = table["name"].isin(["good", "whole"])
    pd.testing.assert_frame_equal(found[others], table[others])
    pd.testing.assert_frame_equal(blanked(table, {}), table)


def test_curves_of_failed_models_are_left_out():
    x = np.asarray([0.0, 1.0])
    curves = pd.concat([points(about(**ends), x, x).assign(name=n) for n, ends in ENDS.items()])
    assert set(of_whole(curves, WHY)["name"]) == {"good", "whole"}
    assert len(of_whole(curves, {})) == len(curves)

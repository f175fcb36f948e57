import math

import pandas as pd
import pytest

from unispace.errors import UserError
from unispace.records.golden import (
    GOLDEN_SCHEMA,
    KEYS,
    Acceptance,
    add_acceptance,
    read_acceptances,
    read_golden,
    write_golden,
)


def frame(*rows):
    usual = dict.fromkeys(KEYS, "") | {"experiment": "e", "dataset": "d", "protocol": "p"}
    usual |= {"value": 0.5, "lower": 0.4, "upper": 0.6, "n": 3, "status": "ok"}
    return pd.DataFrame([usual | row for row in rows], columns=GOLDEN_SCHEMA.names)


def accepted(reason="because", **about):
    usual = {"date": "2026-01-31", "commit": "abc+", "cells": 3, "changed": 1, "lost": 0, "new": 2}
    return Acceptance(
        **(usual | {"biggest": "a, b: +1", "processor": 'a, "b"'} | about), reason=reason
    )


def test_expected_results_come_back_sorted_and_equal(tmp_path):
    path = tmp_path / "golden.csv"
    none = {"value": math.nan, "lower": math.nan, "upper": math.nan}
    rows = frame(
        {"metric": "b", "value": 1 / 8, "method": "NA"},
        {"metric": "a", "n": 12345678, "value": 4160.0},
        {"metric": "c", **none, "status": 'failed: of "all", none'},
    )
    write_golden(rows, path)
    found = read_golden(path)
    assert found["metric"].tolist() == ["a", "c", "b"]  # the method stands before the metric
    wanted = rows.sort_values(KEYS, ignore_index=True)
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False)


def test_the_same_results_give_the_same_bytes_in_any_order(tmp_path):
    rows = frame({"metric": "b"}, {"metric": "a"})
    write_golden(rows, tmp_path / "1.csv")
    write_golden(rows.iloc[::-1], tmp_path / "2.csv")
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


def test_a_change_of_one_cell_changes_one_line(tmp_path):
    rows = frame(*({"metric": name} for name in "abc"))
    write_golden(rows, tmp_path / "1.csv")
    rows.loc[1, "value"] = 0.25
    write_golden(rows, tmp_path / "2.csv")
    one, two = ((tmp_path / name).read_text().splitlines() for name in ("1.csv", "2.csv"))
    assert [b for a, b in zip(one, two, strict=True) if a != b] == ["e,,,,,,d,p,b,0.25,0.4,0.6,3,ok"]  # fmt: skip


def test_a_cell_twice_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="1 cells stand twice"):
        write_golden(frame({}, {}), tmp_path / "golden.csv")


def test_a_merge_that_kept_both_sides_is_told_with_its_line(tmp_path):
    path = tmp_path / "golden.csv"
    write_golden(frame({"metric": "a"}, {"metric": "b"}), path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n")
    with pytest.raises(UserError, match=r"line 4: this cell stands twice; a merge may have"):
        read_golden(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("experiment,", "experiments,", "the columns must be experiment, model"),
        (",3,ok", ",three,ok", "cannot be read as expected results"),
        (",3,ok", ",,ok", "column `n` holds empty cells"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, old, new, message):
    path = tmp_path / "golden.csv"
    write_golden(frame({}), path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=message):
        read_golden(path)


def test_acceptances_are_added_behind_the_others(tmp_path):
    path = tmp_path / "accepted.csv"
    assert read_acceptances(path) == []
    first, second = accepted(), accepted('a "better" map, and\tmore', biggest="")
    add_acceptance(first, path)
    add_acceptance(second, path)
    assert read_acceptances(path) == [first, second]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("date,", "day,", "the columns must be date, commit"),
        (",3,1,", ",three,1,", "line 2: no acceptance"),
        ("2026-01-31,", "", "line 2: no acceptance"),
    ],
)
def test_damaged_acceptances_are_refused(tmp_path, old, new, message):
    path = tmp_path / "accepted.csv"
    add_acceptance(accepted(), path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=message):
        read_acceptances(path)

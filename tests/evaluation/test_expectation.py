import math

import numpy as np
import pytest
from tidy_rows import failed, row, table

from unispace.evaluation.expectation import ALL, expectation, rounded
from unispace.records.golden import KEYS


def pair(source, target, **about):
    return row(model=None, source=source, target=target, method="ridge", fitted_on="faces", **about)


def test_a_cell_of_one_model_is_expected_as_it_is():
    found = expectation(table(row(value=0.123456789, n=7)))
    (cell,) = found.to_dict("records")
    assert {k: cell[k] for k in KEYS} == {
        "experiment": "verification", "model": "m/base/seed0", "source": "", "target": "", "method": "",
        "fitted_on": "", "dataset": "faces", "protocol": "all-pairs", "metric": "AUC",
    }  # fmt: skip
    assert cell["value"] == 0.123457
    assert (cell["n"], cell["status"]) == (7, "ok")


def test_maps_of_all_pairs_are_expected_as_their_mean():
    rows = [
        pair("a", "b", value=0.2, lower=0.1, upper=0.4),
        pair("b", "a", value=0.6, lower=0.5, upper=0.6),
    ]
    other = pair("a", "b", metric="EER", value=0.9)
    found = expectation(table(*rows, other)).set_index("metric")
    assert (found[["source", "target"]] == ALL).all(axis=None)
    mean = found.loc["AUC"]
    np.testing.assert_allclose([mean["value"], mean["lower"], mean["upper"]], [0.4, 0.3, 0.5])
    assert (mean["n"], mean["status"], found.loc["EER", "n"]) == (2, "ok", 1)


def test_a_failed_map_is_counted_and_not_averaged():
    lost = failed("diverged", model=None, source="b", target="a", method="ridge", fitted_on="faces")
    (cell,) = expectation(table(pair("a", "b", value=0.2), lost)).to_dict("records")
    assert cell["value"] == 0.2
    assert (cell["n"], cell["status"]) == (2, "failed: 1 of 2 cells")


def test_maps_that_all_failed_have_no_mean():
    lost = failed("x", model=None, source="b", target="a", method="ridge", fitted_on="faces")
    (cell,) = expectation(table(lost)).to_dict("records")
    assert math.isnan(cell["value"])
    assert cell["status"] == "failed: 1 of 1 cells"


def test_variants_of_attack_detection_are_together_and_its_main_numbers_are_not():
    def attack(**about):
        return row(experiment="attack-detection", dataset="attacks", **about)

    found = expectation(
        table(
            attack(model="a", protocol="probe", metric="D-EER"),
            attack(model="b", protocol="probe", metric="D-EER"),
            attack(model="a", protocol="probe/held_out", metric="D-EER"),
            attack(model="b", protocol="probe/held_out", metric="D-EER"),
            attack(model="a", protocol="probe", metric="BPCER@APCER=0.1-of-val"),
        )
    )
    assert found[["model", "protocol", "metric", "n"]].to_numpy().tolist() == [
        [ALL, "probe", "BPCER@APCER=0.1-of-val", 1],
        [ALL, "probe/held_out", "D-EER", 2],
        ["a", "probe", "D-EER", 1000],
        ["b", "probe", "D-EER", 1000],
    ]


def test_paired_changes_of_models_are_expected_one_by_one():
    found = expectation(table(row(experiment="change", source="m/other/seed0", protocol="paired")))
    assert found["source"].tolist() == ["m/other/seed0"]


def test_every_row_is_part_of_exactly_one_expected_cell():
    rows = [row(metric=metric, dataset=d) for metric in ("AUC", "EER") for d in ("faces", "bodies")]
    rows += [pair(s, t) for s in "abc" for t in "abc"]
    found = expectation(table(*rows))
    together = found["source"] == ALL
    assert found.loc[together, "n"].sum() + (~together).sum() == len(rows)


def test_the_order_of_rows_does_not_matter():
    rows = [pair(s, t, value=0.1 * i) for i, (s, t) in enumerate(("ab", "bc", "ca"))] + [row()]
    assert expectation(table(*rows)).equals(expectation(table(*rows[::-1])))


def test_results_without_rows_give_none():
    assert expectation(table()).empty


def test_a_cell_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="1 cells stand twice"):
        expectation(table(row(), row(value=0.3)))


@pytest.mark.parametrize(
    ("number", "kept"), [(4160.0, 4160.0), (12345678.0, 12345678.0), (1 / 3, 0.333333), (-2e-9 / 3, -6.66667e-10)]
)  # fmt: skip
def test_six_digits_are_kept_and_whole_numbers_wholly(number, kept):
    assert rounded(number) == kept

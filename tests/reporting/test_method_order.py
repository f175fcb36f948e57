"""Methods of maps in the order that tables and figures show them in."""

from unispace.config.methods import KINDS
from unispace.reporting.looks import methods_in_order


def test_kinds_come_from_the_controls_to_the_freest():
    assert methods_in_order(sorted(KINDS)) == list(KINDS)
    assert methods_in_order(["ridge", "linear", "procrustes", "baseline"]) == [
        *("baseline", "procrustes", "linear", "ridge")
    ]


def test_names_of_ones_own_stand_behind_their_kind_and_others_last():
    names = ["ridge-strong", "mine", "ridge", "procrustes-proper", "quadratic", "mlp-a"]
    assert methods_in_order(names) == [
        *("procrustes-proper", "ridge", "ridge-strong", "quadratic", "mlp-a", "mine")
    ]

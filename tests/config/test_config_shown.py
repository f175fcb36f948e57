"""Which maps the page shows examples of."""

import pytest

from unispace.config.maps import Maps

METHODS = {"baseline": {}, "procrustes": {}, "linear": {}, "ridge": {}}


@pytest.mark.parametrize(
    ("families", "pairs"),
    [
        ({"x": ("a", "b", "c")}, [("a", "b")]),
        ({"x": ("a", "b"), "y": ("c", "d")}, [("a", "c"), ("a", "b"), ("c", "d")]),
        ({"x": ("a",), "y": ("b",)}, [("a", "b")]),
        ({"x": ("a",), "y": ("b", "c"), "z": ("d",)}, [("a", "b"), ("a", "d"), ("b", "d")]),
        ({}, []),
    ],
)
def test_without_a_choice_the_first_pairs_between_families_come_first(families, pairs):
    assert list(Maps(families=families).shown_pairs()) == pairs


def test_models_without_family_are_one():
    assert Maps(models=("a", "b", "c")).shown_pairs() == (("a", "b"),)


@pytest.mark.parametrize("chosen", [(), (("b", "a"),)])
def test_a_choice_is_taken_as_it_is(chosen):
    assert Maps(models=("a", "b"), shown=chosen).shown_pairs() == chosen


def test_four_methods_are_shown_in_the_order_of_the_study_or_those_that_it_names():
    assert list(Maps(methods=METHODS).methods_shown()) == list(METHODS)
    assert Maps(methods={"ridge": {}}).methods_shown() == ("ridge",)
    assert Maps(methods=METHODS, shown_methods=("ridge", "linear")).methods_shown() == (
        "ridge",
        "linear",
    )

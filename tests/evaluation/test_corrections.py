"""P values of several comparisons, corrected."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unispace.evaluation.corrections import benjamini_hochberg, corrected, holm

lists = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_holm_by_hand():
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04; none below a smaller one.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


def test_benjamini_hochberg_by_hand():
    # Sorted times 4/1, 4/2, 4/3, 4/4: 0.02, 0.02, 0.04, 0.04; none above a larger one.
    found = benjamini_hochberg([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(found, [0.02, 0.04, 0.04, 0.02])


@given(lists)
def test_holm_rejects_as_the_procedure_steps_down(p_values):
    found = holm(p_values)
    for alpha in (0.01, 0.05, 0.3):
        rejected = np.zeros(len(p_values), bool)
        for step, place in enumerate(np.argsort(p_values, kind="stable")):
            if p_values[place] * (len(p_values) - step) > alpha:
                break
            rejected[place] = True
        np.testing.assert_array_equal(found <= alpha, rejected)


@given(lists)
def test_a_correction_keeps_the_order_and_lowers_nothing(p_values):
    for by in ("holm", "benjamini-hochberg", "none"):
        found = corrected(p_values, by)
        assert (found >= np.array(p_values) - 1e-12).all()
        assert (np.diff(found[np.argsort(p_values, kind="stable")]) >= -1e-12).all()
    assert (benjamini_hochberg(p_values) <= holm(p_values) + 1e-12).all()


def test_holm_bounds_the_chance_of_any_wrong_rejection():
    rng = np.random.default_rng(1)
    any_wrong = [(holm(rng.uniform(size=5)) <= 0.05).any() for _ in range(4000)]
    assert 0.035 < np.mean(any_wrong) < 0.06


def test_none_of_no_comparisons():
    assert len(holm([])) == len(benjamini_hochberg([])) == 0


@pytest.mark.parametrize("wrong", [[1.1], [-0.1], [np.nan], [[0.1]]])
def test_what_is_no_p_value_is_refused(wrong):
    for correct in (holm, benjamini_hochberg):
        with pytest.raises(ValueError, match=r"p values are a list of numbers in \[0, 1\]"):
            correct(wrong)

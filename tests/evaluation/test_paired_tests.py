"""Tests of two models on the same items."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from unispace.evaluation.paired_tests import sign_flip, wilcoxon

differences = st.lists(st.integers(-9, 9).map(float), min_size=1, max_size=8)


def test_sign_flips_of_one_sign_have_the_smallest_p_value_there_is():
    assert sign_flip([1.0, 2.0, 3.0], "greater") == 1 / 8
    assert sign_flip([1.0, 2.0, 3.0], "less") == 1.0
    assert sign_flip([1.0, 2.0, 3.0], "two-sided") == 2 / 8


@settings(deadline=None)
@given(differences)
def test_sign_flips_are_counted_one_by_one(values):
    sums = [np.dot(signs, values) for signs in product((1, -1), repeat=len(values))]
    total = sum(values)
    assert sign_flip(values, "greater") == np.mean([s >= total for s in sums])
    assert sign_flip(values, "less") == np.mean([s <= total for s in sums])
    assert sign_flip(values) == np.mean([abs(s) >= abs(total) for s in sums])


def test_sign_flips_agree_with_scipy():
    values = np.random.default_rng(0).normal(0.4, 1, 10)
    theirs = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", alternative="greater", n_resamples=np.inf
    )
    assert sign_flip(values, "greater") == pytest.approx(theirs.pvalue)


def test_many_units_take_random_signs_and_near_the_exact_p_value():
    values = np.random.default_rng(3).normal(0.3, 1, 40)
    exact = stats.ttest_1samp(values, 0, alternative="greater").pvalue
    found = sign_flip(values, "greater", rng=np.random.default_rng(1))
    assert found == pytest.approx(exact, rel=0.25)
    with pytest.raises(ValueError, match="40 units have too many signs to try all; give `rng`"):
        sign_flip(values)
    # Never 0, however far.
    assert sign_flip(values + 100, "greater", 99, np.random.default_rng(1)) == 1 / 100


def test_sign_flips_reject_as_often_as_they_say():
    rng = np.random.default_rng(2)
    rejected = [sign_flip(rng.normal(size=8), "greater") <= 0.05 for _ in range(2000)]
    assert 0.035 < np.mean(rejected) < 0.06


def test_wilcoxon_over_five_seeds_by_hand():
    # All five above 0: one of 2^5 assignments of signs.
    assert wilcoxon([0.1, 0.2, 0.3, 0.4, 0.5], "greater") == pytest.approx(1 / 32)
    assert wilcoxon([0.1, 0.2, 0.3, 0.4, 0.5]) == pytest.approx(2 / 32)
    # The rank sum of the positive is 14 or more in two of 32.
    assert wilcoxon([-0.1, 0.2, 0.3, 0.4, 0.5], "greater") == pytest.approx(2 / 32)


def test_wilcoxon_leaves_out_what_does_not_differ():
    assert wilcoxon([0.0, 0.0]) == 1.0
    assert wilcoxon([0.0, 0.1, 0.2, 0.3], "greater") == pytest.approx(1 / 8)


@pytest.mark.parametrize("test", [sign_flip, wilcoxon])
@pytest.mark.parametrize("wrong", [[], [np.nan], [[1.0]]])
def test_differences_must_be_there_and_finite(test, wrong):
    with pytest.raises(ValueError, match="finite differences"):
        test(wrong)

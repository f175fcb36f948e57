"""Ranks of the few values of a resample are those of SciPy."""

import numpy as np
import pytest
from scipy.stats import rankdata

from unispace.analysis.associations import _ranks


@pytest.mark.parametrize("size", [0, 1, 2, 9, 45])
@pytest.mark.parametrize("different", [1, 3, 1000])
def test_ranks_are_those_of_scipy(size, different):
    values = np.random.default_rng(size).integers(0, different, size) / 7 - 0.5
    np.testing.assert_array_equal(_ranks(values), rankdata(values))


def test_no_rank_is_known_where_a_value_is_missing():
    values = np.array([0.3, np.nan, 0.1])
    np.testing.assert_array_equal(_ranks(values), rankdata(values))
    assert np.isnan(_ranks(values)).all()

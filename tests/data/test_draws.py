"""Draws of factors: their shares, ranges, and that a longer draw starts with a shorter one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unispace.data.studio.draws import Chance, Names, Seed, Span, Whole, draw_columns

FACTORS = {
    "flat": Span(-2.0, 6.0),
    "bell": Span(-2.0, 6.0, 2),
    "names": Names(("a", "b", "c"), (1, 2, 5)),
    "even": Names(("x", "y")),
    "chance": Chance(0.3),
    "whole": Whole(4),
    "mostly_none": Whole(4, extra=2),
    "seed": Seed(),
}


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 30), more=st.integers(1, 30))
def test_longer_draws_start_with_shorter_ones(seed, n, more):
    few, many = (
        draw_columns(FACTORS, iter(np.random.default_rng(seed).spawn(len(FACTORS))), k)
        for k in (n, n + more)
    )
    for name in FACTORS:
        assert list(few[name]) == list(many[name][:n]), name


def test_shares_and_moments_are_as_stated():
    n = 40_000
    found = draw_columns(FACTORS, iter(np.random.default_rng(1).spawn(len(FACTORS))), n)
    flat, bell = np.asarray(found["flat"]), np.asarray(found["bell"])
    for values, spread in ((flat, 8 / 12**0.5), (bell, 8 / 24**0.5)):
        assert values.min() >= -2
        assert values.max() < 6
        assert values.mean() == pytest.approx(2, abs=0.05)
        assert values.std() == pytest.approx(spread, rel=0.02)
    share = {k: np.mean([v == k for v in list(found["names"])]) for k in "abc"}
    assert share == pytest.approx({"a": 1 / 8, "b": 2 / 8, "c": 5 / 8}, abs=0.01)
    assert np.mean([v == "x" for v in found["even"]]) == pytest.approx(0.5, abs=0.01)
    assert np.mean(found["chance"]) == pytest.approx(0.3, abs=0.01)
    assert np.bincount(found["whole"]) / n == pytest.approx([0.25] * 4, abs=0.01)
    assert np.bincount(found["mostly_none"]) / n == pytest.approx(
        [1 / 2, 1 / 6, 1 / 6, 1 / 6], abs=0.01
    )
    assert len(np.unique(found["seed"])) > 0.999 * n


def test_a_value_follows_from_its_uniform_numbers():
    edges = np.array([[0.0], [0.124], [0.126], [np.nextafter(1, 0)]])
    assert FACTORS["names"].of(edges) == ["a", "a", "b", "c"]
    assert FACTORS["mostly_none"].of(edges).tolist() == [0, 0, 0, 3]
    assert FACTORS["flat"].of(edges[:1]).tolist() == [-2.0]
    assert FACTORS["bell"].of(np.array([[0.0, 0.5]])).tolist() == [0.0]

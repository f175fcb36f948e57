"""The weight of the first impostor pairs, in both ways, against a plain loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unispace.evaluation import impostors
from unispace.evaluation.impostors import Impostors


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.integers(2, 7), st.integers(0, 80), st.integers(0, 10**6))
def test_both_ways_add_up_the_products_of_the_draws(identities, pairs, seed):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(identities, size=(2, pairs)).astype(np.int32)
    wanted = np.unique(np.append(rng.integers(0, pairs + 1, 5), pairs))
    drawn = rng.integers(0, 4, size=(6, identities)).astype(np.int32)
    found = Impostors(first, second, wanted, identities)
    ways = np.empty((2, len(drawn), len(wanted)))
    found._by_identities(drawn, ways[0])
    found._one_by_one(drawn, ways[1])
    for w, *rows in zip(drawn, *ways, strict=True):
        expected = [
            sum(int(w[a] * w[b]) for a, b in zip(first[:k], second[:k], strict=True))
            for k in wanted
        ]
        for row in rows:
            assert row.tolist() == expected


@pytest.mark.parametrize(
    ("each", "memory", "expected"),
    [(8, 2**20, "_by_identities"), (8, 0, "_one_by_one"), (1, 2**20, "_one_by_one")],
)
def test_few_identities_are_counted_and_many_are_not(monkeypatch, each, memory, expected):
    identity = np.repeat(np.arange(6, dtype=np.int32), each)
    first, second = np.triu_indices(len(identity), 1)
    kept = identity[first] != identity[second]
    pairs = Impostors(identity[first][kept], identity[second][kept], np.array([kept.sum()]), 6)
    called = []
    for name in ("_by_identities", "_one_by_one"):
        monkeypatch.setattr(Impostors, name, lambda self, w, out, name=name: called.append(name))
    monkeypatch.setattr(impostors, "MEMORY", memory)
    pairs.weights(np.ones((2, 6), np.int32), np.empty((2, 1)))
    assert called == [expected]

"""Near copies by embedding: planted copies are found, the rest is left alone."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unispace.data.audit.neighbours import alike, nearest
from unispace.data.audit.parts import Plan

PLAN = Plan({"a": "x", "b": "y"}, ("a",), ("a", "b"), "test", ())


def unit(rng, n, d=24):
    drawn = rng.standard_normal((n, d))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


@given(st.integers(2, 60), st.integers(0, 99))
def test_the_nearest_is_found_as_by_looking_at_all(n, seed):
    vectors = unit(np.random.default_rng(seed), n, 3)
    distance, neighbour = nearest(vectors)
    apart = np.linalg.norm(vectors[:, None].astype(float) - vectors[None].astype(float), axis=-1)
    np.fill_diagonal(apart, np.inf)
    assert (neighbour != np.arange(n)).all()
    np.testing.assert_allclose(distance, apart.min(axis=1), atol=1e-3)
    np.testing.assert_allclose(distance, apart[np.arange(n), neighbour], atol=1e-12)


def test_blocks_change_nothing(monkeypatch):
    vectors = unit(np.random.default_rng(1), 50)
    whole = nearest(vectors)
    monkeypatch.setattr("unispace.data.audit.neighbours._BLOCK", 7)
    for one, other in zip(whole, nearest(vectors), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def world():
    """60 images of two data sets, half of each tested; three near copies are planted."""
    rng = np.random.default_rng(5)
    vectors = unit(rng, 60)
    images = pd.DataFrame(
        {
            "dataset": ["a"] * 30 + ["b"] * 30,
            "split": ["train", "test"] * 30,
            "image_id": [f"i{k}" for k in range(60)],
        }
    )
    for copy, original in ((1, 0), (31, 33), (41, 2)):
        vectors[copy] = vectors[original] + 0.001 * unit(rng, 1)[0]
        vectors[copy] /= np.linalg.norm(vectors[copy])
    return images, vectors


def test_planted_copies_are_noted_where_they_stand(world):
    rows = pd.DataFrame(alike(*world, PLAN, "m", 0.25))
    counts = rows[rows["subject"] == "all"].set_index("dataset")["count"].to_dict()
    assert counts == {"a": 3, "b": 3}
    noted = rows[rows["severity"] == "note"]
    assert {(r.dataset, r.subject, r.count) for r in noted.itertuples()} == {
        ("a", "a/train + a/test", 2),
        ("b", "b/test", 2),
        ("b", "a/train + b/test", 2),
    }
    details = dict(zip(noted["subject"], noted["detail"], strict=True))
    assert details["a/train + b/test"] in ("by m; such as i2 and i41", "by m; such as i41 and i2")


def test_the_measure_is_relative_to_the_data_set(world):
    images, vectors = world
    # All embeddings within a narrow cone, as a network gives them that knows nothing of the data.
    cone = vectors * np.float32(0.01) + np.eye(1, vectors.shape[1], dtype=np.float32)
    cone /= np.linalg.norm(cone, axis=1, keepdims=True)
    wide, narrow = (alike(images, v, PLAN, "m", 0.25) for v in (vectors, cone))
    keys = ("dataset", "subject", "count", "severity")
    assert [[r[k] for k in keys] for r in wide] == [[r[k] for k in keys] for r in narrow]


def test_nothing_planted_nothing_noted():
    images = pd.DataFrame(
        {"dataset": "a", "split": "test", "image_id": [str(k) for k in range(40)]}
    )
    rows = alike(images, unit(np.random.default_rng(2), 40), PLAN, "m", 0.25)
    assert [(r["count"], r["severity"]) for r in rows] == [(0, "ok")]

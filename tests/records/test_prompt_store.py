"""Prompts come back as they went, and damage is told."""

import numpy as np
import pytest

from unispace.errors import UserError
from unispace.records.files import read_json, write_json
from unispace.records.prompts import Prompts, read_prompts, write_prompts

CARD = {"dataset": "objects", "key": "k"}


def drawn(count=3, **changes):
    vectors = np.random.default_rng(0).normal(size=(count, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = tuple("abcdefg"[:count])
    return Prompts(**{"vectors": vectors, "labels": labels, "card": CARD, **changes})


def test_prompts_come_back_as_they_went(tmp_path):
    write_prompts(drawn(), tmp_path)
    found = read_prompts(tmp_path)
    np.testing.assert_array_equal(found.vectors, drawn().vectors)
    assert found.vectors.dtype == np.float32
    assert found.labels == ("a", "b", "c")
    assert found.card == CARD


def test_labels_choose_rows_in_their_order():
    chosen = drawn().of_labels(["c", "a"])
    np.testing.assert_array_equal(chosen.vectors, drawn().vectors[[2, 0]])
    assert chosen.labels == ("c", "a")
    with pytest.raises(UserError, match="prompts of objects: class 'x' has no prompt"):
        drawn().of_labels(["a", "x"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ("a", "b")}, r"vectors \(3, 4\) for 2 classes"),
        ({"labels": ("a", "b", "a")}, "a class occurs twice"),
        ({"vectors": np.full((3, 4), np.nan, np.float32)}, "vector of a is not of unit length"),
        ({"vectors": np.ones((3, 4), np.float32)}, "vector of a is not of unit length"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_whole_is_never_written(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        write_prompts(drawn(**changes), tmp_path)
    assert not any(tmp_path.iterdir())


def test_damage_is_told(tmp_path):
    write_prompts(drawn(), tmp_path)
    path = tmp_path / "prompts.json"
    whole = read_json(path)
    write_json(path, {**whole, "labels": ["a", "b"]})
    with pytest.raises(UserError, match=r"damaged \(.*for 2 classes\); delete it"):
        read_prompts(tmp_path)
    write_json(path, CARD)
    with pytest.raises(UserError, match=r"damaged \('labels'\)"):
        read_prompts(tmp_path)
    write_json(path, whole)
    (tmp_path / "vectors.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(UserError, match="damaged"):
        read_prompts(tmp_path)
    (tmp_path / "vectors.npy").unlink()
    with pytest.raises(UserError, match=r"vectors\.npy: not there; run snakemake"):
        read_prompts(tmp_path)

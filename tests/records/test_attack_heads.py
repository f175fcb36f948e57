"""Binary heads on disk, and the scores that they give."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file
from scipy.special import softmax

from unispace.errors import UserError
from unispace.records.heads import AttackHead, read_heads, write_heads

WORKFLOW = Path(__file__).resolve().parents[2] / "workflow"


def drawn(seed=0, d=5, normalised=True):
    draw = np.random.default_rng(seed)
    weight, bias = draw.normal(size=(2, d)), draw.normal(size=2)
    return AttackHead(weight.astype(np.float32), bias.astype(np.float32), normalised)


@given(st.integers(0, 99), st.integers(1, 9), st.booleans(), st.floats(0.1, 1e4))
def test_scores_are_the_softmax_of_the_second_output(seed, d, normalised, size):
    head = drawn(seed, d, normalised)
    vectors = np.random.default_rng(seed).normal(size=(6, d)) * size
    used = vectors / np.sqrt((vectors**2).sum(1, keepdims=True)) if normalised else vectors
    logits = np.array(
        [[row @ w + b for w, b in zip(head.weight, head.bias, strict=True)] for row in used]
    )
    np.testing.assert_allclose(head.scores(vectors), softmax(logits, axis=1)[:, 1], atol=1e-12)


def test_equal_outputs_score_a_half_and_large_ones_stay_in_bounds():
    head = AttackHead(np.float32([[-9e4], [9e4]]), np.zeros(2, np.float32), normalised=False)
    assert head.scores(np.array([[0.0], [1.0], [-1.0]])).tolist() == [0.5, 1.0, 0.0]


def test_heads_survive_the_disk(tmp_path):
    heads = {"b-set": drawn(1), "a_set": drawn(2, d=3, normalised=False)}
    write_heads(heads, tmp_path / "h.safetensors")
    found = read_heads(tmp_path / "h.safetensors")
    assert list(found) == ["a_set", "b-set"]
    for name, head in heads.items():
        np.testing.assert_array_equal(found[name].weight, head.weight)
        np.testing.assert_array_equal(found[name].bias, head.bias)
        assert found[name].normalised is head.normalised


def test_no_head_is_a_file_without_tensors(tmp_path):
    write_heads({}, tmp_path / "h.safetensors")
    assert read_heads(tmp_path / "h.safetensors") == {}


WRITING = """
import sys, numpy as np
from pathlib import Path
from unispace.records.heads import AttackHead, write_heads
head = AttackHead(np.ones((2, 3), np.float32), np.zeros(2, np.float32), True)
write_heads({name: head for name in sys.argv[2:]}, Path(sys.argv[1]))
"""


def test_equal_heads_are_equal_bytes_in_every_process(tmp_path):
    names = [f"set{n}" for n in range(8)]
    contents = set()
    for number, order in enumerate((names, names[::-1], names)):
        path = tmp_path / str(number)
        argv = [sys.executable, "-c", WRITING, str(path), *order]
        subprocess.run(argv, check=True, env={"PYTHONPATH": str(WORKFLOW)})
        contents.add(path.read_bytes())
    assert len(contents) == 1
    assert list(read_heads(tmp_path / "0")) == names


def test_what_is_no_head_is_refused(tmp_path):
    path = tmp_path / "h.safetensors"
    with pytest.raises(UserError, match="cannot be read as safetensors"):
        read_heads(path)
    save_file({"blocks.0.weight": np.ones(3, np.float32)}, path)
    with pytest.raises(UserError, match=r"holds `blocks\.0\.weight`, which is no part of a binary"):
        read_heads(path)
    save_file({"a.weight": np.ones((2, 3), np.float32)}, path, {"a.normalised": "true"})
    with pytest.raises(UserError, match="the head `a` has no bias"):
        read_heads(path)
    with pytest.raises(ValueError, match=r"a weight \(2, d\) and a bias \(2,\), got \(3, 4\)"):
        AttackHead(np.ones((3, 4), np.float32), np.zeros(2, np.float32), normalised=True)


def test_vectors_of_another_dimension_are_refused():
    with pytest.raises(ValueError, match=r"takes vectors \(n, 5\), got \(2, 4\)"):
        drawn().scores(np.ones((2, 4)))

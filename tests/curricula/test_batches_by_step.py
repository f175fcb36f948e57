"""Random numbers that are a function of the step."""

from collections import Counter

import torch
from hypothesis import given
from hypothesis import strategies as st

from unispace.curricula.randomness import batch_rows, generator

counts, sizes, seeds = st.integers(1, 40), st.integers(1, 60), st.integers(0, 2**63)


@given(counts, sizes, seeds, st.integers(1, 12))
def test_every_row_comes_once_in_each_epoch(count, size, seed, steps):
    rows = torch.cat([batch_rows(count, size, step, seed) for step in range(steps)]).tolist()
    assert len(rows) == steps * size
    for start in range(0, len(rows), count):
        epoch = rows[start : start + count]
        assert set(epoch) <= set(range(count))
        assert len(set(epoch)) == len(epoch)


@given(st.integers(1, 10), st.integers(1, 5), seeds)
def test_a_batch_larger_than_the_data_holds_each_row_as_often_as_any_other(count, times, seed):
    found = Counter(batch_rows(count, count * times, 3, seed).tolist())
    assert found == dict.fromkeys(range(count), times)


@given(counts, sizes, seeds, st.integers(0, 1000))
def test_a_batch_is_a_function_of_its_step_alone(count, size, seed, step):
    alone = batch_rows(count, size, step, seed, "faces")
    torch.manual_seed(0)
    for earlier in range(min(step, 3)):
        batch_rows(count, size, earlier, seed, "faces")
    torch.rand(5)
    assert torch.equal(batch_rows(count, size, step, seed, "faces"), alone)
    assert alone.dtype == torch.int64


def test_drawing_a_batch_leaves_the_global_random_state_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    batch_rows(10, 4, 2, 0)
    assert torch.equal(torch.rand(3), expected)


def test_epochs_differ_in_their_order():
    orders = {tuple(batch_rows(20, 20, step, 0).tolist()) for step in range(10)}
    assert len(orders) == 10


def test_other_keys_give_other_streams():
    # The last two hold the same characters in other parts.
    keys = [(0,), (1,), (0, "a"), (0, "b"), ("0",), ("a", 0), (0, "a", "b"), (0, "ab"), (0, "a, b")]
    streams = {tuple(torch.rand(4, generator=generator(*key)).tolist()) for key in keys}
    assert len(streams) == len(keys)
    orders = {tuple(batch_rows(30, 30, 0, *key).tolist()) for key in keys}
    assert len(orders) == len(keys)


def test_streams_of_neighbouring_steps_are_unrelated():
    draws = torch.stack([torch.rand(400, generator=generator(0, "x", s)) for s in range(30)])
    correlation = torch.corrcoef(draws) - torch.eye(30)
    assert correlation.abs().max() < 0.25  # 5 standard deviations

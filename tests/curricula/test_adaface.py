"""AdaFace against its formula, written out again in numpy, with slopes by finite differences."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unispace.config.heads import Head
from unispace.curricula.heads import AdaFace, build_head


def expected(vectors, weights, labels, scale, margin, mean, std, norms):
    """The loss one image at a time, from angles; `norms` tell the quality and do not move with the vectors."""
    losses = []
    for vector, label, told in zip(vectors, labels, norms, strict=True):
        norm = math.sqrt(sum(vector**2))
        quality = min(1, max(-1, (told - mean) / std / 3.003003))
        logits = []
        for number, weight in enumerate(weights):
            cosine = vector @ weight / norm / math.sqrt(sum(weight**2))
            if number == label:
                angle = math.acos(cosine) - margin * quality
                cosine = math.cos(min(math.pi, max(0, angle))) - margin * (1 + quality)
            logits.append(scale * cosine)
        top = max(logits)
        total = sum(math.exp(logit - top) for logit in logits)
        losses.append(top + math.log(total) - logits[label])
    return float(np.mean(losses))


def head_of(weights, mean=None, std=None, margin=0.4, scale=8.0):
    """In double precision, with statistics given, or as it starts."""
    labels, dimension = weights.shape
    head = AdaFace(labels, dimension, margin, scale).double()
    head.W.data = torch.tensor(weights.T)
    if mean is not None:
        head.mean.fill_(mean)
        head.std.fill_(std)
        head.eval()
    return head


@given(
    labels=st.integers(2, 6),
    count=st.integers(1, 8),
    dimension=st.integers(2, 8),
    margin=st.floats(0, 0.8),
    scale=st.floats(0.5, 32),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None)
def test_value_and_slopes_equal_the_formula(labels, count, dimension, margin, scale, seed):
    draw = np.random.default_rng(seed)
    weights = draw.normal(size=(labels, dimension))
    vectors = draw.normal(size=(count, dimension)) * draw.uniform(0.2, 5, (count, 1))
    truth = draw.integers(0, labels, count)
    norms = np.linalg.norm(vectors, axis=1)
    mean, std = float(norms.mean()) + 0.1, float(norms.std()) + 0.2
    head = head_of(weights, mean, std, margin, scale)
    given_to_it = torch.tensor(vectors, requires_grad=True)
    loss = head(given_to_it, torch.tensor(truth))
    known = (truth, scale, margin, mean, std, norms)
    assert loss.item() == pytest.approx(expected(vectors, weights, *known), abs=1e-5)

    loss.backward()
    step, at = 1e-6, (0, int(draw.integers(dimension)))
    for number, slopes in enumerate((given_to_it.grad, head.W.grad.T)):
        values = []
        for sign in (1, -1):
            moved = [vectors.copy(), weights.copy()]
            moved[number][at] += sign * step
            values.append(expected(*moved, *known))
        slope = (values[0] - values[1]) / (2 * step)
        assert float(slopes[at]) == pytest.approx(slope, abs=1e-3, rel=1e-3)


def test_the_norm_takes_no_gradient():
    draw = np.random.default_rng(0)
    vectors = torch.tensor(draw.normal(size=(5, 4)), requires_grad=True)
    head = head_of(draw.normal(size=(3, 4)), 2.0, 1.0)
    head(vectors, torch.tensor([0, 1, 2, 0, 1])).backward()
    along = (vectors.grad * vectors).sum(dim=1)
    torch.testing.assert_close(along, torch.zeros_like(along), atol=1e-12, rtol=0)
    assert vectors.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("norm", "turn", "step"), [(1.0, 0.4, 0.0), (10.0, 0.0, 0.4), (1000.0, -0.4, 0.8)]
)
def test_bad_images_get_arcface_middling_ones_cosface_and_good_ones_both(norm, turn, step):
    head = head_of(np.eye(2), mean=10.0, std=1.0, scale=1.0)
    vector = torch.tensor([[norm * math.cos(1.0), norm * math.sin(1.0)]], dtype=torch.float64)
    target, other = math.cos(1.0 + turn) - step, math.sin(1.0)
    loss = head(vector, torch.tensor([0])).item()
    assert loss == pytest.approx(math.log(1 + math.exp(other - target)), abs=1e-7)


def test_statistics_start_with_the_first_batch_and_move_by_a_hundredth_in_the_end():
    head = head_of(np.eye(2))

    def batch(*norms):
        vectors = torch.tensor([[n, 0.0] for n in norms], dtype=torch.float64)
        return head(vectors, torch.zeros(len(norms), dtype=torch.int64))

    batch(2.0, 4.0)
    assert (head.mean.item(), head.std.item()) == (3.0, 1.0)
    batch(5.0, 5.0)
    assert (head.mean.item(), head.std.item()) == (4.0, 0.5)
    head.batches.fill_(5000)
    batch(14.0, 14.0)
    assert head.mean.item() == pytest.approx(4.1)
    assert head.std.item() == pytest.approx(0.495)
    before = dict(head.named_buffers())["mean"].item()
    with torch.no_grad():
        batch(100.0, 1.0)
    head.eval()
    batch(100.0, 1.0)
    assert head.mean.item() == before


def test_statistics_are_part_of_the_saved_state():
    assert set(build_head(Head(loss="adaface"), 5, 4).state_dict()) == {
        "W",
        "mean",
        "std",
        "batches",
    }


@pytest.mark.parametrize("sign", [1, -1])
def test_gradients_are_finite_where_a_vector_meets_a_weight_vector(sign):
    head = build_head(Head(loss="adaface"), 3, 4)
    head.W.data = torch.eye(4)[:, :3].clone()
    vectors = (sign * torch.eye(4)[:2]).requires_grad_()
    head(vectors, torch.tensor([0, 1])).backward()
    assert torch.isfinite(vectors.grad).all()
    assert torch.isfinite(head.W.grad).all()

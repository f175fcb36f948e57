"""Losses against their formulas, written out again in numpy."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unispace.config.heads import Head
from unispace.curricula.heads import build_head, default_head


def unit(draw, *shape):
    vectors = draw.normal(size=shape)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def cross_entropy(logits, labels):
    """Mean of -log softmax, the largest logit taken out."""
    top = logits.max(axis=1, keepdims=True)
    log_sum = top[:, 0] + np.log(np.exp(logits - top).sum(axis=1))
    return float(np.mean(log_sum - logits[np.arange(len(labels)), labels]))


def expected(loss, vectors, weights, labels, scale, margin):
    """Loss for unit vectors `(n, d)` and weight vectors `(labels, d)`.

    CosFace, equation 4: scale * (cos - margin). ArcFace, equation 3: scale * cos(angle + margin), and, where
    angle + margin exceeds pi, the authors' code: cos - margin * sin(margin).
    """
    cosines = vectors @ (weights / np.linalg.norm(weights, axis=1, keepdims=True)).T
    target = np.zeros(cosines.shape, bool)
    target[np.arange(len(labels)), labels] = True
    if loss == "cosface":
        cosines = np.where(target, cosines - margin, cosines)
    if loss == "arcface":
        angle = np.arccos(np.clip(cosines, -1, 1))
        beyond = cosines - margin * math.sin(margin)
        turned = np.where(angle + margin <= math.pi, np.cos(angle + margin), beyond)
        cosines = np.where(target, turned, cosines)
    return cross_entropy(scale * cosines, labels)


problems = {
    "loss": st.sampled_from(["softmax", "cosface", "arcface"]),
    "labels": st.integers(2, 12),
    "count": st.integers(1, 20),
    "dimension": st.integers(2, 24),
    "scale": st.floats(0.5, 64),
    "margin": st.floats(0, 1.5),
    "seed": st.integers(0, 2**32),
}


@pytest.mark.parametrize(("kind", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 3e-4)])
@given(**problems)
@settings(max_examples=60, deadline=None)
def test_a_loss_equals_its_formula(
    kind, tolerance, loss, labels, count, dimension, scale, margin, seed
):
    draw = np.random.default_rng(seed)
    vectors, weights = unit(draw, count, dimension), draw.normal(size=(labels, dimension))
    truth = draw.integers(0, labels, count)
    head = build_head(Head(loss=loss, scale=scale, margin=margin), labels, dimension)
    head.W.data = torch.tensor(weights.T, dtype=kind)
    found = head(torch.tensor(vectors, dtype=kind), torch.tensor(truth)).item()
    assert found == pytest.approx(
        expected(loss, vectors, weights, truth, scale, margin), rel=tolerance, abs=tolerance
    )


def test_the_margin_of_arcface_is_in_radians():
    head = build_head(Head(loss="arcface", scale=2.0, margin=math.pi / 2), 2, 2).double()
    head.W.data = torch.eye(2, dtype=torch.float64)
    # 0 degrees from its own weight vector becomes 90, and the other one is at 90.
    vector = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    assert head(vector, torch.tensor([0])).item() == pytest.approx(math.log(2), abs=1e-7)


def test_softmax_knows_no_margin():
    vectors, labels = torch.nn.functional.normalize(torch.randn(6, 4), dim=1), torch.arange(6) % 3
    losses = []
    for margin in (0.0, 0.9):
        torch.manual_seed(0)
        head = build_head(Head(loss="softmax", margin=margin), 3, 4)
        losses.append(head(vectors, labels).item())
    assert losses[0] == losses[1]


@pytest.mark.parametrize("loss", ["softmax", "cosface", "arcface"])
def test_a_head_has_one_weight_vector_for_each_label_and_no_more(loss):
    head = build_head(Head(loss=loss), 5, 8)
    assert [tuple(p.shape) for p in head.parameters()] == [(8, 5)]
    vectors = torch.nn.functional.normalize(torch.randn(5, 8), dim=1)
    assert torch.isfinite(head(vectors, torch.arange(5)))
    with pytest.raises((IndexError, RuntimeError), match="out of bounds"):
        head(vectors, torch.arange(5) + 1)


@pytest.mark.parametrize("loss", ["softmax", "cosface", "arcface"])
@pytest.mark.parametrize("sign", [1, -1])
def test_gradients_are_finite_where_a_vector_meets_a_weight_vector(loss, sign):
    head = build_head(Head(loss=loss), 3, 4)
    head.W.data = torch.eye(4)[:, :3].clone()
    vectors = (sign * torch.eye(4)[:2]).requires_grad_()
    head(vectors, torch.tensor([0, 1])).backward()
    assert torch.isfinite(vectors.grad).all()
    assert torch.isfinite(head.W.grad).all()


@pytest.mark.parametrize(
    ("domain", "loss"),
    [
        ("object", "softmax"),
        *((domain, "cosface") for domain in ("face_hq", "face_lq", "person")),
        *((domain, "binary") for domain in ("pad", "mad")),
    ],
)
def test_classes_get_a_softmax_identities_a_cosface_and_attacks_a_binary_head(domain, loss):
    assert default_head(domain) == Head(loss=loss)

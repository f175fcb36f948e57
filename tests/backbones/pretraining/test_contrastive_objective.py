"""Images and captions in one space: the loss derived again, and a planted pairing."""

import math

import numpy as np
import pytest
import torch

from unispace.backbones.openclip import create_clip, tokenize
from unispace.backbones.pretraining.contrastive import Contrastive

OPTIONS = {
    "embed_dim": 16,
    "vision_cfg": {
        "image_size": 32,
        "patch_size": 16,
        "width": 16,
        "layers": 1,
        "head_width": 8,
    },
    "text_cfg": {"context_length": 8, "width": 16, "heads": 2, "layers": 1},
}
COLOURS = {"red": (0.9, 0.1, 0.1), "green": (0.1, 0.9, 0.1), "blue": (0.1, 0.1, 0.9)}


@pytest.fixture
def objective():
    torch.manual_seed(0)
    return Contrastive(create_clip("ViT-B-16", OPTIONS))


@pytest.fixture(scope="module")
def pairs():
    """Coloured images and captions that say the colour: `(n, 3, 32, 32)` and `(n, 8)`."""

    def drawn(seed):
        noise = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(seed))
        images = torch.tensor(list(COLOURS.values())).view(3, 3, 1, 1) + 0.1 * noise
        return images, tokenize([f"a {c} thing" for c in COLOURS], "ViT-B-16", OPTIONS)

    return drawn


def test_the_loss_is_the_mean_cross_entropy_of_rows_and_columns(objective, pairs):
    images, captions = pairs(0)
    with torch.no_grad():
        a = objective.clip.encode_image(images).double().numpy()
        b = objective.clip.encode_text(captions).double().numpy()
        found = float(objective(images, captions))
    a, b = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b))
    logits = a @ b.T / 0.07  # the factor that CLIP starts from
    rows = np.log(np.exp(logits).sum(1)) - np.diag(logits)
    columns = np.log(np.exp(logits).sum(0)) - np.diag(logits)
    assert found == pytest.approx((rows.mean() + columns.mean()) / 2, rel=1e-5)


def test_a_planted_pairing_is_learnt_and_holds_for_new_images(objective, pairs):
    optimiser = torch.optim.AdamW(objective.parameters(), lr=3e-3)
    losses = []
    for step in range(60):
        loss = objective(*pairs(step))
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        objective.after_step(step / 60)
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.2 * losses[0]
    images, captions = pairs(1000)
    with torch.no_grad():
        cosines = objective.clip.encode_image(images, normalize=True) @ (
            objective.clip.encode_text(captions, normalize=True).T
        )
    assert cosines.argmax(1).tolist() == cosines.argmax(0).tolist() == [0, 1, 2]


@pytest.mark.parametrize(("before", "after"), [(-1.0, 0.0), (3.0, 3.0), (9.0, math.log(100))])
def test_the_factor_of_the_cosines_is_kept_within_its_bounds(objective, before, after):
    with torch.no_grad():
        objective.clip.logit_scale.fill_(before)
    objective.after_step(0.5)
    assert objective.clip.logit_scale.item() == pytest.approx(after)

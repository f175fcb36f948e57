"""Images and captions in one space: the loss derived again, and a planted pairing."""

import math

import numpy as np
import pytest
import torch

from unispace.backbones.layers import parameter_groups
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
    words = tokenize([f"a {c} thing" for c in COLOURS], "ViT-B-16", OPTIONS)
    return Contrastive(create_clip("ViT-B-16", OPTIONS), words)


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


class Everything(Contrastive):
    """With the vectors of all tokens at all times."""

    def __init__(self, clip):
        super().__init__(clip, torch.arange(49408))


@pytest.mark.parametrize("custom", [False, True])
def test_tokens_that_no_caption_holds_may_be_left_out(pairs, custom):
    learnt = []
    for build in (lambda clip: Contrastive(clip, pairs(0)[1]), Everything):
        torch.manual_seed(0)
        clip = create_clip("ViT-B-16", {**OPTIONS, "custom_text": custom})
        before = {k: v.clone() for k, v in clip.state_dict().items()}
        objective = build(clip)
        # The pretraining's own groups: without weight decay for tables.
        groups = parameter_groups(objective, 1.0, 0.1)
        optimiser = torch.optim.AdamW(groups, lr=3e-3, fused=True)
        for step in range(4):
            objective(*pairs(step)).backward()
            torch.nn.utils.clip_grad_norm_(objective.parameters(), 0.5)
            optimiser.step()
            optimiser.zero_grad()
        whole = objective.whole()
        assert whole is clip
        learnt.append(whole.state_dict())
    few, all_ = learnt
    assert few.keys() == all_.keys() == before.keys()
    for key, value in all_.items():
        torch.testing.assert_close(few[key], value, rtol=1e-4, atol=1e-6, msg=key)
    (table,) = (k for k in before if k.endswith("token_embedding.weight"))
    seen = torch.isin(torch.arange(49408), pairs(0)[1].unique())
    assert torch.equal(few[table][~seen], before[table][~seen])
    seen[0] = False  # what follows the end of a text is read by nothing
    assert (few[table][seen] != before[table][seen]).any(dim=1).all()


def test_a_token_that_was_not_announced_is_refused(objective, pairs):
    images, _ = pairs(0)
    with pytest.raises(IndexError):
        objective(images, tokenize(["a yellow thing"] * 3, "ViT-B-16", OPTIONS))

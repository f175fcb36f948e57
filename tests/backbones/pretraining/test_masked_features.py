"""Features of hidden patches: what is hidden stays hidden, the loss derived again, a planted teacher."""

import numpy as np
import pytest
import torch
from torch import nn

from unispace.backbones.network import Network
from unispace.backbones.openclip import create_clip
from unispace.backbones.pretraining.masked_features import (
    MaskedFeatures,
    patch_count,
    patch_features,
    standardised,
)
from unispace.config.backbones import Backbone
from unispace.errors import UserError

# With a class token and without, in a row and (DINOv3) as a square that is flattened later.
ARCHITECTURES = ["eva02_tiny_patch14_224", "vit_tiny_patch16_224", "vit_small_patch16_dinov3"]


def some(n, patches=16, count=6, seed=0):
    order = torch.rand(n, patches, generator=torch.Generator().manual_seed(seed)).argsort(1)
    return order < count


def blocks(images):
    """`(n, 3, 32, 32)` as `(n, 16, 3 * 8 * 8)`, in the order of the patches."""
    n = len(images)
    return images.view(n, 3, 4, 8, 4, 8).permute(0, 2, 4, 1, 3, 5).reshape(n, 16, -1)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nothing_of_a_hidden_patch_is_seen_and_something_of_every_other_is(
    student, drawn, architecture
):
    objective = MaskedFeatures(student(architecture), 5).eval()
    assert patch_count(objective.network) == 16
    images, hidden = drawn(2), some(2)
    targets = torch.randn(2, 16, 5)
    images.requires_grad_()
    objective(images, hidden, targets).backward()
    reached = blocks(images.grad).abs().sum(2) > 0
    assert torch.equal(reached, ~hidden)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_loss_is_the_negative_cosine_over_hidden_patches_alone(student, drawn, architecture):
    objective = MaskedFeatures(student(architecture), 5).eval()
    images, hidden, targets = drawn(2), some(2), torch.randn(2, 16, 5)
    with torch.no_grad():
        found = float(objective(images, hidden, targets))
        predicted = objective.predict(objective._features(images, hidden)).double().numpy()
        elsewhere = torch.where(hidden[..., None], targets, torch.randn(2, 16, 5))
        assert float(objective(images, hidden, elsewhere)) == found
    np.testing.assert_allclose(
        found, -cosines(predicted, targets)[hidden.numpy()].mean(), rtol=1e-5
    )


def cosines(one, other):
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    return (a * b).sum(2) / np.linalg.norm(a, axis=2) / np.linalg.norm(b, axis=2)


def test_seen_patches_count_with_their_weight(student, drawn):
    objective = MaskedFeatures(student(), 5, visible=0.25).eval()
    images, hidden, targets = drawn(2), some(2), torch.randn(2, 16, 5)
    with torch.no_grad():
        found = float(objective(images, hidden, targets))
        predicted = objective.predict(objective._features(images, hidden))
    weights = np.where(hidden.numpy(), 1, 0.25)
    expected = -np.average(cosines(predicted, targets), weights=weights)
    assert found == pytest.approx(expected, rel=1e-5)


def test_standardised_features_have_nothing_in_common():
    features = 5 + torch.randn(3, 4, 2) * torch.tensor([0.1, 10.0])
    flat = features.double().numpy().reshape(12, 2)
    expected = ((flat - flat.mean(0)) / flat.std(0, ddof=1)).reshape(3, 4, 2)
    np.testing.assert_allclose(standardised(features).numpy(), expected, atol=1e-4)
    # A value that never changes says nothing.
    assert torch.equal(standardised(torch.ones(2, 3, 1)), torch.zeros(2, 3, 1))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_without_hidden_patches_the_features_make_up_the_embedding(student, drawn, architecture):
    network = student(architecture).eval()
    images = drawn(2)
    with torch.no_grad():
        nothing = torch.zeros(2, 16, dtype=torch.bool)
        features = MaskedFeatures(network, 5)._features(images, nothing)
        tokens = network.body.forward_features(network.normalise(images))
    expected = network.body.fc_norm(tokens[:, network.body.num_prefix_tokens :])
    torch.testing.assert_close(features, expected)


def test_the_network_is_left_as_it_was(student, drawn):
    network = student().eval()
    before = network(drawn(2))
    MaskedFeatures(network, 5)(drawn(2), some(2), torch.randn(2, 16, 5))
    assert torch.equal(network(drawn(2)), before)
    assert not network.body.patch_embed._forward_hooks


def test_what_a_teacher_sees_in_an_image_is_learnt_from_the_rest_of_it(student, drawn):
    # The planted teacher: the mean colour of an image stands at each of its patches.
    objective = MaskedFeatures(student(), 3)
    optimiser = torch.optim.AdamW(objective.parameters(), lr=3e-3)
    losses = []
    for step in range(60):
        images = drawn(8, step)
        targets = (images.mean((2, 3)) - 0.5)[:, None].expand(-1, 16, -1)
        loss = objective(images, some(8, seed=step), targets)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-5:]) < -0.9 < np.mean(losses[:5])
    assert objective.unseen.abs().max() > 0.01


def test_a_network_without_patches_is_refused():
    settings = {
        "architecture": "test_resnet",
        "preprocessing": {"size": 32},
        "weights": {"kind": "random"},
    }
    network = Network(Backbone.model_validate(settings))
    with pytest.raises(UserError, match="this architecture has none; take a transformer"):
        MaskedFeatures(network, 5)


# --- the teacher ---


def tower(**vision):
    vision = {"image_size": 32, "patch_size": 8, "width": 16, "layers": 2, "head_width": 8} | vision
    text = {"context_length": 8, "width": 16, "heads": 2, "layers": 1}
    torch.manual_seed(0)
    options = {"embed_dim": 12, "vision_cfg": vision, "text_cfg": text}
    return create_clip("ViT-B-16", options).visual.eval()


def test_the_features_of_a_tower_that_averages_its_patches_make_up_its_embedding(drawn):
    visual, images = tower(pool_type="avg"), drawn(3)
    features = patch_features(visual, images)
    assert features.shape == (3, 16, 16)
    torch.testing.assert_close(features.mean(1) @ visual.proj, visual(images))


def test_a_tower_without_patches_is_refused(drawn):
    with pytest.raises(UserError, match="has no patches; take a transformer"):
        patch_features(nn.Conv2d(3, 4, 1), drawn(1))

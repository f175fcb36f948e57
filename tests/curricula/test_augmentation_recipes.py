"""Changes of images as the papers' code makes them."""

import pytest
import torch
from torchvision.transforms import v2

from unispace.curricula import augment_recipes
from unispace.curricula.augment_recipes import augment_as
from unispace.curricula.batches import draw
from unispace.curricula.randomness import generator

RECIPES = ["flip", "froundation", "foundpad"]


def images(n=16, side=32):
    # Smooth, so that a change of place is no change of everything.
    coarse = torch.rand(n, 3, 5, 5, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(coarse, side, mode="bilinear", align_corners=True)


def changed(recipe, given, seed=0):
    return augment_as(recipe, given, generator(seed), 0, len(given))


@pytest.mark.parametrize("recipe", RECIPES)
def test_images_stay_images_and_the_generator_alone_decides(recipe):
    given = images()
    before = given.clone()
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    first = changed(recipe, given)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(6)
    assert torch.equal(changed(recipe, given), first)
    assert not torch.equal(changed(recipe, given, seed=1), first)
    assert torch.equal(given, before)
    assert first.shape == given.shape
    assert first.dtype == torch.float32
    assert 0 <= first.min() < first.max() <= 1
    assert not torch.equal(first, given)


@pytest.mark.parametrize("recipe", RECIPES)
def test_parts_of_a_batch_change_as_the_whole_does(recipe):
    given = images(7)
    whole = changed(recipe, given)
    parts = [augment_as(recipe, given[a:b], generator(0), a, 7) for a, b in ((0, 3), (3, 7))]
    assert torch.equal(torch.cat(parts), whole)


def test_flips_turn_half_of_the_images_left_for_right():
    given = images(400)
    found = changed("flip", given)
    flipped = [torch.equal(f, g.flip(-1)) for f, g in zip(found, given, strict=True)]
    kept = [torch.equal(f, g) for f, g in zip(found, given, strict=True)]
    assert all(a or b for a, b in zip(flipped, kept, strict=True))
    assert 150 < sum(flipped) < 250


def test_rand_augment_is_that_of_torchvision_with_the_published_numbers():
    image = images(1)
    (seed,) = torch.randint(2**62, (1,), generator=generator(3)).tolist()
    found = augment_as("froundation", image, generator(3), 0, 1)
    torch.manual_seed(seed)
    whole = (image[0] * 255).round().to(torch.uint8)
    expected = v2.RandomHorizontalFlip(0.5)(v2.RandAugment(num_ops=4, magnitude=16)(whole))
    assert torch.equal(found[0], expected.float() / 255)


def test_foundpad_shows_224_of_256_parts_of_the_image(monkeypatch):
    monkeypatch.setattr(augment_recipes, "_OFTEN", 0.0)
    ramp = torch.linspace(0, 1, 64).expand(40, 3, 64, 64).clone()
    found = changed("foundpad", ramp)
    span = (found[..., -1] - found[..., 0]).abs().mean((1, 2))
    torch.testing.assert_close(span, torch.full((40,), 224 / 256), atol=0.02, rtol=0)
    assert len({round(float(i[0, 0].min()), 3) for i in found}) > 3


def test_foundpad_changes_gamma_channels_and_colours_within_its_limits(monkeypatch):
    monkeypatch.setattr(augment_recipes, "_JITTER", 0.0)
    monkeypatch.setattr(augment_recipes, "_COLOUR", v2.Identity())
    grey = torch.full((300, 3, 16, 16), 0.5)
    found = changed("foundpad", grey)[:, :, 0, 0]
    lowest, highest = 0.5**1.8 - 20 / 255, 0.5**0.8 + 20 / 255
    assert lowest - 1e-6 <= found.min() < lowest + 0.05
    assert highest - 0.05 < found.max() <= highest + 1e-6
    # A quarter has neither a gamma nor a shift; half of them have no shift, so their channels are equal.
    assert 0.15 < (found == 0.5).all(1).float().mean() < 0.35
    assert 0.4 < (found == found[:, :1]).all(1).float().mean() < 0.6


def test_batches_are_changed_as_the_curriculum_says(coloured):
    task = coloured(each=8)
    seen = {
        name: draw(task, 0, 0.5, 0, slice(0, 8), name)[0]
        for name in ("strength", "flip", "froundation", "foundpad")
    }
    assert len({tuple(images.flatten().tolist()) for images in seen.values()}) == 4
    plain = draw(task, 0, 0.0, 0, slice(0, 8))[0]
    assert torch.equal(seen["flip"].sort(-1).values, plain.sort(-1).values)

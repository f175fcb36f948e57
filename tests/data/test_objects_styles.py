"""Sketches, silhouettes and swapped textures: shapes stay, surfaces change, rows stay alone."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation

from unispace.data.studio import objects
from unispace.data.studio.objects_styles import DARK
from unispace.data.studio.swatches import PALETTE

N = len(objects.CLASSES)


def tables(n: int, seed: int = 0) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame]:
    instances = objects.sample_instances(np.random.default_rng(seed), n)
    views = objects.sample_views(np.random.default_rng(seed + 1), n)
    return np.arange(n, dtype=np.int64) % N, instances, views


def calm(views: pd.DataFrame) -> pd.DataFrame:
    """Small upright objects in the middle of plain pictures in even light."""
    return views.assign(
        rotation=0.0, scale=0.8, shift_x=0.0, shift_y=0.0, backdrop="plain", clutter=0, light=1.0,
        contrast=0.0, occluded=False, noise=0.0,
    )  # fmt: skip


def test_photos_are_the_default_style():
    rows = tables(60)
    np.testing.assert_array_equal(
        objects.render(*rows, 32), objects.render(*rows, 32, ["photo"] * 60)
    )


def test_every_class_has_a_mask_within_the_image():
    labels, instances, views = tables(3 * N)
    found = objects.masks(labels, instances.assign(aspect=1.1), calm(views), 64)
    assert found.shape == (3 * N, 64, 64)
    share = (found > 127).mean(axis=(1, 2))
    assert share.min() > 0.03, objects.CLASSES[labels[share.argmin()]]
    assert share.max() < 0.75
    border = np.concatenate([found[:, 0], found[:, -1], found[:, :, 0], found[:, :, -1]], axis=1)
    assert border.max() == 0


def test_photos_change_where_the_mask_is_and_nowhere_else():
    """The mask is found again as the difference between two photos of differently coloured things."""
    labels, instances, views = tables(N, 3)
    views = calm(views).assign(back_colour="white", back_tone=0.7)
    found = objects.masks(labels, instances, views, 64)
    white = objects.render(labels, instances, views, 64).astype(int)
    black = objects.render(labels, instances, views.assign(back_colour="black"), 64).astype(int)
    seen_through = np.abs(white - black).max(axis=-1)
    assert (seen_through[found == 255] <= 1).all()
    open_ = seen_through[found == 0]
    assert open_.min() == open_.max() > 60


def test_silhouettes_are_the_mask_in_one_tone():
    labels, instances, views = tables(N, 5)
    images = objects.render(labels, instances, views, 48, ["silhouette"] * N)
    cover = objects.masks(labels, instances, views, 48)
    assert np.abs(images[cover == 255] - DARK * 255).max() <= 1
    for image, mask, colour in zip(images, cover, views["back_colour"], strict=True):
        base = np.asarray(PALETTE[colour])
        ground = (base + 0.82 * (1 - base)) * 255
        assert np.abs(image[mask == 0] - ground).max() <= 1
        share = mask[..., None] / 255
        assert np.abs(ground + share * (DARK * 255 - ground) - image).max() <= 1.5


def test_sketches_have_no_colour_and_dark_lines_on_pale_paper():
    labels, instances, views = tables(N, 6)
    images = objects.render(labels, instances, calm(views), 64, ["sketch"] * N)
    assert (images == images[..., :1]).all()
    cover = objects.masks(labels, instances, calm(views), 64)
    tone = images[..., 0].astype(float)
    for i in range(N):
        outside = np.logical_not(
            binary_dilation(cover[i] > 0)
        )  # a line may lie on the first pixel beside
        assert tone[i][outside].min() > 200
        dark = tone[i] < 130
        assert dark.sum() > 0.08 * (cover[i] > 127).sum(), objects.CLASSES[labels[i]]
        assert dark.mean() < 0.3, objects.CLASSES[labels[i]]


def test_sketches_do_not_tell_the_colours():
    """Red and blue things give nearly the same lines; in photos they are far apart."""
    labels, instances, views = tables(N, 7)
    gaps = {}
    for style in ("photo", "sketch"):
        red, blue = (
            objects.render(
                labels, instances.assign(main_colour=colour), calm(views), 48, [style] * N
            ).astype(float)
            for colour in ("red", "blue")
        )
        gaps[style] = np.abs(red - blue).mean(axis=(1, 2, 3))
    assert gaps["sketch"].max() < 9
    assert gaps["photo"].mean() > 6 * gaps["sketch"].mean()


def test_swapped_textures_keep_shape_and_scene():
    labels, instances, views = tables(N, 8)
    views = views.assign(occluded=False)
    textures = (labels + 7) % N
    photo = objects.render(labels, instances, views, 64)
    swapped = objects.render(labels, instances, views, 64, ["texture_swap"] * N, textures)
    cover = objects.masks(labels, instances, views, 64)
    beside = photo[cover == 0].astype(int) - swapped[cover == 0]
    assert np.abs(beside).max() <= 1  # a coverage below half a step of the mask
    assert (beside == 0).mean() > 0.9999
    inside = [
        np.abs(p[c == 255].astype(float) - s[c == 255]).mean()
        for p, s, c in zip(photo, swapped, cover, strict=True)
    ]
    assert np.median(inside) > 25
    assert min(inside) > 4, objects.CLASSES[int(np.argmin(inside))]


def test_a_texture_has_the_colours_of_its_class():
    """Tomato-red cars become green as cacti and orange as carrots."""
    labels, instances, views = tables(40, 9)
    labels[:] = objects.CLASSES.index("car")
    instances, views = instances.assign(main_colour="white"), calm(views)
    inside = objects.masks(labels, instances, views, 64) == 255
    tint = {}
    for name in ("cactus", "carrot", "envelope"):
        textures = np.full(40, objects.CLASSES.index(name))
        images = objects.render(labels, instances, views, 64, ["texture_swap"] * 40, textures)
        tint[name] = np.median(images[inside], axis=0).astype(int)
    assert tint["cactus"][1] > tint["cactus"][[0, 2]].max() + 15
    assert tint["carrot"][0] > tint["carrot"][1] + 20 > tint["carrot"][2] + 40
    assert np.ptp(tint["envelope"]) < 15


@given(seed=st.integers(0, 2**31), classes=st.integers(2, N))
@settings(max_examples=20, deadline=None)
def test_a_foreign_texture_is_another_class_of_those_asked_for(seed, classes):
    _, _, views = tables(200, seed)
    labels = np.arange(200) % classes
    chosen = objects.texture_labels(labels, views, classes)
    assert (chosen != labels).all()
    assert chosen.min() >= 0
    assert chosen.max() < classes
    order = np.random.default_rng(0).permutation(200)
    again = objects.texture_labels(labels[order], views.iloc[order], classes)
    np.testing.assert_array_equal(again, chosen[order])


def test_foreign_textures_are_evenly_spread():
    labels, _, views = tables(2000)
    chosen = objects.texture_labels(labels * 0, views, 5)
    assert np.bincount(chosen, minlength=5)[1:] == pytest.approx(500, abs=80)


@pytest.mark.parametrize("style", objects.STYLES)
@pytest.mark.parametrize("size", [16, 40])
def test_an_image_does_not_depend_on_its_batch(monkeypatch, style, size):
    labels, instances, views = tables(2 * N, 11)
    styles = np.full(2 * N, style)
    textures = (labels + 5) % N
    together = objects.render(labels, instances, views, size, styles, textures)
    monkeypatch.setattr(objects, "CHUNK_PIXELS", 9 * size * size)
    order = np.random.default_rng(2).permutation(2 * N)
    mixed = np.where(np.arange(2 * N) % 2, style, "photo")
    shuffled = objects.render(
        labels[order], instances.iloc[order], views.iloc[order], size, mixed[order], textures[order]
    )
    same = mixed[order] == style
    np.testing.assert_array_equal(shuffled[same], together[order][same])
    for i in range(0, N, 9):
        one = slice(i, i + 1)
        alone = objects.render(
            labels[one], instances[one], views[one], size, styles[one], textures[one]
        )
        np.testing.assert_array_equal(alone[0], together[i])


def test_the_default_texture_is_the_one_that_is_told():
    rows = tables(30, 12)
    told = objects.texture_labels(rows[0], rows[2])
    styles = ["texture_swap"] * 30
    np.testing.assert_array_equal(
        objects.render(*rows, 32, styles), objects.render(*rows, 32, styles, told)
    )


def test_bad_arguments_are_named():
    rows = tables(3)
    with pytest.raises(ValueError, match="styles: 'oil' is not one of photo, sketch"):
        objects.render(*rows, 32, ["photo", "oil", "sketch"])
    with pytest.raises(ValueError, match="lengths differ: labels 3, styles 2"):
        objects.render(*rows, 32, ["photo", "photo"])
    with pytest.raises(ValueError, match="lengths differ: labels 3, textures 1"):
        objects.render(*rows, 32, ["photo"] * 3, np.array([1]))
    with pytest.raises(ValueError, match=r"textures must lie in 0\.\.53, got 1\.\.54"):
        objects.render(*rows, 32, ["texture_swap"] * 3, np.array([1, 54, 3]))
    with pytest.raises(ValueError, match=r"classes must lie in 2\.\.54, got 1"):
        objects.texture_labels(rows[0] * 0, rows[2], 1)
    with pytest.raises(ValueError, match=r"labels must lie in 0\.\.1, got 0\.\.2"):
        objects.texture_labels(rows[0], rows[2], 2)

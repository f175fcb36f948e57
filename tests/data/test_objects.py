"""Objects: what is drawn, what an image may depend on, and what is refused."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unispace.data.studio import objects
from unispace.data.studio.objects_classes import PAINTERS
from unispace.data.studio.objects_scene import BACKDROPS
from unispace.data.studio.pen import Pen

# Changes whenever a picture changes: every data set rendered before is then out of date.
PICTURES = "05bbb9a29e9e46b8fb1acb081f0521d4e0f0a3b693a18781776574e0a8443c34"

seeds = st.integers(0, 2**32 - 1)


def tables(n: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    instances = objects.sample_instances(np.random.default_rng(seed), n)
    return instances, objects.sample_views(np.random.default_rng(seed + 1), n)


def cycle(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.int64) % len(objects.CLASSES)


def plain(n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One appearance in one calm view, `n` times."""
    instance, view = tables(1, 4)
    instance = instance.assign(main_colour="red", second_colour="blue", aspect=1.0, outline=0.02)
    view = view.assign(
        rotation=0.0, scale=0.9, shift_x=0.0, shift_y=0.0, flip=False, backdrop="plain", clutter=0,
        back_colour="sky", light=1.0, contrast=0.0, occluded=False, noise=0.0,
    )  # fmt: skip
    return pd.concat([instance] * n, ignore_index=True), pd.concat([view] * n, ignore_index=True)


@given(seed=seeds, n=st.integers(1, 40), more=st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_longer_tables_start_with_shorter_ones(seed, n, more):
    for few, many in zip(tables(n, seed), tables(n + more, seed), strict=True):
        pd.testing.assert_frame_equal(few, many.head(n))


def test_numbers_stay_within_the_documented_ranges():
    instances, views = tables(800)
    for frame, ranges in (
        (instances, {"aspect": (0.85, 1.18), "part_a": (0, 1), "outline": (0.012, 0.034)}),
        (views, {"rotation": (-22, 22), "scale": (0.66, 0.96), "clutter": (0, 3)}),
    ):
        for column, (low, high) in ranges.items():
            assert frame[column].between(low, high).all(), column
    assert set(instances["style"]) == {0, 1, 2}
    assert set(views["backdrop"]) == set(BACKDROPS)


def test_classes_are_many_and_each_has_a_painter():
    assert len(objects.CLASSES) >= 40
    assert len(set(objects.CLASSES)) == len(objects.CLASSES)
    assert set(objects.CLASSES) == set(PAINTERS) == set(objects.CLASS_NAMES)


@pytest.mark.parametrize("size", [16, 33, 64, 96])
def test_images_have_the_asked_shape_and_content(size):
    n = len(objects.CLASSES)
    images = objects.render(cycle(n), *plain(n), size)
    assert images.shape == (n, size, size, 3)
    assert images.dtype == np.uint8
    assert (images.reshape(n, -1, 3).std(axis=1).max(axis=1) > 10).all()


@given(seed=st.integers(0, 1000), size=st.sampled_from([24, 48, 64]))
@settings(max_examples=4, deadline=None)
def test_an_image_does_not_depend_on_its_batch(seed, size):
    n = 2 * len(objects.CLASSES)
    labels, (instances, views) = cycle(n), tables(n, seed)
    together = objects.render(labels, instances, views, size)
    order = np.random.default_rng(seed).permutation(n)
    shuffled = objects.render(labels[order], instances.iloc[order], views.iloc[order], size)
    np.testing.assert_array_equal(shuffled, together[order])
    for i in range(0, n, 3):
        alone = objects.render(labels[[i]], instances.iloc[[i]], views.iloc[[i]], size)
        np.testing.assert_array_equal(alone[0], together[i], err_msg=objects.CLASSES[labels[i]])


def test_an_image_does_not_depend_on_the_chunks(monkeypatch):
    labels, (instances, views) = cycle(120), tables(120, 8)
    whole = objects.render(labels, instances, views, 40)
    monkeypatch.setattr(objects, "CHUNK_PIXELS", 11 * 40 * 40)
    np.testing.assert_array_equal(objects.render(labels, instances, views, 40), whole)


def test_windows_hold_all_of_their_shapes(monkeypatch):
    """Whole images as windows change nothing: no shape reaches beyond the window it is painted in."""
    windowed = objects.render(cycle(216), *tables(216, 9), 40)
    monkeypatch.setattr(Pen, "_window", lambda self, centre, _: (centre.astype(np.intp) * 0, 40))
    np.testing.assert_array_equal(objects.render(cycle(216), *tables(216, 9), 40), windowed)


def test_pictures_are_what_they_were():
    n = len(objects.CLASSES)
    first, second = (objects.render(cycle(n), *tables(n, 5), 48) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert hashlib.sha256(first.tobytes()).hexdigest() == PICTURES


@pytest.mark.parametrize("style", [0, 1, 2])
def test_every_class_differs_from_every_other(style):
    n = len(objects.CLASSES)
    instances, views = plain(n)
    images = objects.render(cycle(n), instances.assign(style=style), views, 48).astype(float)
    for i in range(n):
        for j in range(i):
            gap = np.abs(images[i] - images[j]).mean()
            assert gap > 8, (objects.CLASSES[i], objects.CLASSES[j], gap)


def test_instances_of_a_class_differ():
    n = len(objects.CLASSES)
    _, views = plain(2 * n)
    labels = np.repeat(np.arange(n), 2)
    images = objects.render(labels, tables(2 * n, 6)[0], views, 48).astype(float)
    gaps = np.abs(images[0::2] - images[1::2]).mean(axis=(1, 2, 3))
    assert (gaps > 0.5).all(), objects.CLASSES[int(gaps.argmin())]


def test_flip_mirrors_an_upright_object():
    n = len(objects.CLASSES)
    instances, views = plain(n)
    straight = objects.render(cycle(n), instances, views, 48).astype(int)
    flipped = objects.render(cycle(n), instances, views.assign(flip=True), 48).astype(int)
    assert np.abs(straight - flipped[:, :, ::-1]).max() <= 2


def test_no_rows_give_no_images():
    instances, views = tables(1)
    images = objects.render(np.zeros(0, np.int64), instances.head(0), views.head(0), 32)
    assert images.shape == (0, 32, 32, 3)


def test_bad_arguments_are_named():
    instances, views = tables(3)
    labels, rng = cycle(3), np.random.default_rng(0)
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        objects.sample_instances(rng, 0)
    with pytest.raises(ValueError, match="n must be at least 1, got -1"):
        objects.sample_views(rng, -1)
    with pytest.raises(ValueError, match="size must be at least 16, got 8"):
        objects.render(labels, instances, views, 8)
    with pytest.raises(ValueError, match="lengths differ: labels 3, instances 3, views 2"):
        objects.render(labels, instances, views.head(2), 32)
    with pytest.raises(ValueError, match=r"labels must lie in 0\.\.53, got 0\.\.99"):
        objects.render(np.array([0, 1, 99]), instances, views, 32)
    with pytest.raises(ValueError, match=r"labels must lie in 0\.\.53, got -1\.\.1"):
        objects.render(np.array([0, 1, -1]), instances, views, 32)
    with pytest.raises(ValueError, match="backdrop: 'sea' is not one of plain"):
        objects.render(labels, instances, views.assign(backdrop="sea"), 32)

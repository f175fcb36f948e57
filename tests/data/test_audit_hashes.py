"""Perceptual hashes, and the search for near pairs of them."""

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from unispace.data.audit.hashes import DISTANCE, near_pairs, perceptual_hashes, thumbnail
from unispace.data.audit.images import pixel_hash


def phash(image):
    return perceptual_hashes(thumbnail(image)[None])[0]


def distance(one, other):
    return int(np.bitwise_count(phash(one) ^ phash(other)))


def photograph(seed, size=96):
    """Smooth structure with some grain, as pictures have and noise has not."""
    draw = np.random.default_rng(seed)
    coarse = Image.fromarray(draw.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), dtype=float)
    return Image.fromarray((smooth + draw.normal(0, 4, smooth.shape)).clip(0, 255).astype(np.uint8))


def found(hashes, limit=DISTANCE):
    pairs = [
        pair for one, other in near_pairs(hashes, limit) for pair in zip(one, other, strict=True)
    ]
    return [(min(pair), max(pair)) for pair in pairs]


def brute_force(hashes, limit=DISTANCE):
    values = [int(h) for h in hashes]
    pairs = itertools.combinations(range(len(values)), 2)
    return [(i, j) for i, j in pairs if (values[i] ^ values[j]).bit_count() <= limit]


@given(
    st.lists(st.integers(0, 2**64 - 1), max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.sets(st.integers(0, 63), max_size=7)), max_size=40),
    st.integers(0, DISTANCE),
)
@settings(max_examples=150, deadline=None)
def test_banding_finds_exactly_what_brute_force_finds(seeds, changes, limit):
    hashes = set(seeds)
    for place, bits in changes:
        if place < len(seeds):
            hashes.add(seeds[place] ^ sum(1 << bit for bit in bits))
    array = np.array(sorted(hashes), np.uint64)
    assert sorted(found(array, limit)) == brute_force(array, limit)


def test_banding_finds_all_pairs_among_many_close_hashes():
    values = np.unique(np.random.default_rng(0).integers(0, 2**9, 400).astype(np.uint64) << 30)
    assert sorted(found(values)) == brute_force(values)


def test_no_position_comes_twice_in_one_step():
    values = np.arange(2**8, dtype=np.uint64)
    for one, other in near_pairs(values):
        assert len(set(one)) == len(one)
        assert len(set(other)) == len(other)


def test_more_bits_than_bands_can_find_are_refused():
    with pytest.raises(ValueError, match="up to 4 bits apart, got 5"):
        list(near_pairs(np.zeros(2, np.uint64), 5))


def test_twenty_thousand_hashes_take_seconds():
    values = np.unique(np.random.default_rng(1).integers(0, 2**64, 20_000, dtype=np.uint64))
    planted = values[:500] ^ np.uint64(0b1001_0000_0001)
    hashes = np.unique(np.concatenate([values, planted]))
    start = time.process_time()
    pairs = found(hashes)
    assert time.process_time() - start < 5
    assert len(pairs) >= 500


@pytest.mark.parametrize("seed", range(5))
def test_a_changed_picture_stays_near_and_another_one_is_far(seed, tmp_path):
    image = photograph(seed)
    image.save(tmp_path / "x.jpg", quality=40)
    with Image.open(tmp_path / "x.jpg") as again:
        assert distance(image, again.convert("RGB")) <= DISTANCE
    assert distance(image, ImageEnhance.Brightness(image).enhance(0.8)) <= DISTANCE
    assert distance(image, image.resize((64, 64))) <= DISTANCE
    assert distance(image, photograph(seed + 100)) > 3 * DISTANCE


def test_the_hash_is_that_of_its_formula():
    from scipy.fft import dct

    small = thumbnail(photograph(7))
    waves = dct(dct(small.astype(float), axis=0), axis=1)[:8, :8]
    bits = (waves > np.median(waves)).ravel()
    expected = int("".join(str(int(bit)) for bit in bits), 2)
    assert int(perceptual_hashes(small[None])[0]) == expected


def test_flat_pictures_have_one_hash():
    greys = np.stack([np.full((32, 32), tone, np.uint8) for tone in (1, 77, 200)])
    assert len(set(perceptual_hashes(greys))) == 1


def test_equal_pixels_have_one_hash_whatever_the_file(tmp_path):
    image = photograph(1)
    image.save(tmp_path / "x.png")
    image.save(tmp_path / "x.bmp")
    with Image.open(tmp_path / "x.png") as png, Image.open(tmp_path / "x.bmp") as bmp:
        assert pixel_hash(png) == pixel_hash(bmp) == pixel_hash(image)
    turned = image.copy()
    turned.putpixel((0, 0), (1, 2, 3))
    assert pixel_hash(turned) != pixel_hash(image)


def test_equal_bytes_in_another_shape_are_another_picture():
    assert pixel_hash(Image.new("RGB", (4, 9))) != pixel_hash(Image.new("RGB", (6, 6)))

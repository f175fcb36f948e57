"""Morphs: both persons are in them, and each recipe leaves its own traces."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from unispace.data.attacks.draws import draw
from unispace.data.attacks.morphs import ALPHA, PARAMETERS, RECIPES, SPREADS, SYMMETRIC, morph
from unispace.data.attacks.sampling import outline_distance
from unispace.data.attacks.warping import Warp
from unispace.data.studio.faces_landmarks import FACE_RING, LANDMARKS

# Changes whenever a morph changes: every data set made before is then out of date.
MORPHS = "023c0db7aad6569217330e68b339a8301b591a9614dd11b69a33009438dab1b1"
RING = [LANDMARKS.index(name) for name in FACE_RING]
HALF = 0.5


Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def pair(portraits, n: int = 8, size: int = 64) -> Arrays:
    """The arguments of `morph` for `n` pairs of persons."""
    first, points = portraits(n, size, 0)
    second, other = portraits(n, size, 50)
    return first, second, points, other


def rows_of(arrays: Arrays, chosen: slice | np.ndarray) -> Arrays:
    first, second, points, other = (a[chosen] for a in arrays)
    return first, second, points, other


def made(portraits, recipe: str, n: int = 8, alpha: float | None = HALF, size: int = 64):
    alphas = None if alpha is None else np.full(n, alpha)
    return morph(*pair(portraits, n, size), np.full(n, recipe), np.arange(n), alphas)


def between(portraits, n: int = 8, alpha: float = HALF, size: int = 64):
    """Both pictures bent to the shape between them, in levels, and the inside of the face there."""
    first, second, points, other = pair(portraits, n, size)
    bent = np.empty((2, n, size, size, 3))
    inside = np.empty((n, size, size), bool)
    for i in range(n):
        shape = (1 - alpha) * points[i] + alpha * other[i]
        warp = Warp(shape, size)
        for k, (picture, own) in enumerate(((first[i], points[i]), (second[i], other[i]))):
            planes = picture.transpose(2, 0, 1).astype(np.float32)
            bent[k, i] = warp.bend(planes, own).transpose(1, 2, 0)
        inside[i] = outline_distance(shape[RING][None], size)[0] < 0
    return bent, inside


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("size", [32, 33, 100, 256])
def test_morphs_have_the_size_of_the_pictures(portraits, recipe, size):
    images, _ = made(portraits, recipe, 2, size=size)
    assert images.shape == (2, size, size, 3)
    assert images.dtype == np.uint8
    assert (images.std(axis=(1, 2, 3)) > 10).all()


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_morph_of_a_face_with_itself_is_that_face(portraits, recipe):
    first, points = portraits(8)
    seeds = np.arange(8)
    same, _ = morph(first, first, points, points, np.full(8, recipe), seeds)
    apart = np.abs(same.astype(int) - first).mean(axis=(1, 2, 3))
    # Only retouching sharpens what the two agree on.
    assert apart.max() < (8 if recipe == "retouch" else 1)


@pytest.mark.parametrize("recipe", RECIPES)
def test_swapping_the_two_gives_the_same_picture_for_symmetric_recipes(portraits, recipe):
    first, second, points, other = pair(portraits)
    recipes, seeds = np.full(8, recipe), np.arange(8)
    alphas = np.linspace(24, 40, 8).round() / 64  # one minus them is exact
    one, _ = morph(first, second, points, other, recipes, seeds, alphas)
    two, _ = morph(second, first, other, points, recipes, seeds, 1 - alphas)
    if recipe in SYMMETRIC:
        assert (one == two).all()
    else:
        assert (np.abs(one.astype(int) - two).mean(axis=(1, 2, 3)) > 2).all()


@pytest.mark.parametrize("recipe", ["complete", "blend"])
def test_no_share_leaves_one_person(portraits, recipe):
    first, second, _, _ = pair(portraits)
    for alpha, person in ((0.0, first), (1.0, second)):
        images, _ = made(portraits, recipe, alpha=alpha)
        assert np.abs(images.astype(int) - person).max() <= 1


@pytest.mark.parametrize("recipe", ["complete", "splice", "retouch", "seamless"])
def test_a_morph_is_nearer_to_both_than_they_are_to_each_other(portraits, recipe):
    bent, inside = between(portraits, 16)
    images, _ = made(portraits, recipe, 16)
    smooth = [gaussian_filter(p.astype(float), (0, 1, 1, 0)) for p in (*bent, images)]
    face = inside[..., None]
    # Without the mean colour: splicing gives the second the colours of the first.
    first, second, morphed = (
        p - (p * face).sum(axis=(1, 2), keepdims=True) / face.sum(axis=(1, 2), keepdims=True)
        for p in smooth
    )
    apart = (np.abs(first - second) * face).sum(axis=(1, 2, 3))
    for person in (first, second):
        assert ((np.abs(morphed - person) * face).sum(axis=(1, 2, 3)) < 0.95 * apart).mean() > 0.9


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_morph_resembles_its_own_two_among_many(portraits, recipe):
    """Inside the face each contributor's detail is correlated with the morph more than a stranger's."""
    n = 16
    bent, inside = between(portraits, n)
    images, _ = made(portraits, recipe, n)

    def detail(pictures: np.ndarray) -> np.ndarray:
        grey = pictures.astype(float).mean(axis=-1)
        fine = (gaussian_filter(grey, (0, 0.7, 0.7)) - gaussian_filter(grey, (0, 5, 5))) * inside
        return fine.reshape(n, -1) / np.linalg.norm(fine.reshape(n, -1), axis=1, keepdims=True)

    morphed = detail(images)
    for person in bent:
        own = (morphed * detail(person)).sum(axis=1)
        strangers = (morphed * np.roll(detail(person), 1, axis=0)).sum(axis=1)
        assert own.mean() > strangers.mean() + 0.05


def test_landmarks_of_a_morph_lie_between_those_of_the_two():
    """Dots painted on the corners of eyes and mouth meet at the weighted mean."""
    names = ("eye_outer_left", "eye_outer_right", "mouth_left", "mouth_right", "chin")
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.arange(7), np.arange(6)), axis=-1).reshape(-1, 2) * 8.0 + 8
    points: np.ndarray = np.stack([grid, grid + rng.uniform(-2, 2, grid.shape)])
    pictures = np.zeros((2, 64, 64, 3), np.uint8)
    y, x = np.mgrid[:64, :64] + 0.5
    index = [LANDMARKS.index(name) for name in names]
    for picture, own in zip(pictures, points, strict=True):
        for px, py in own[index]:
            picture[np.hypot(x - px, y - py) < 2] = 255
    alpha = np.array([0.375])
    images, _ = morph(
        pictures[:1],
        pictures[1:],
        points[:1],
        points[1:],
        np.array(["complete"]),
        np.array([0]),
        alpha,
    )
    for px, py in 0.625 * points[0, index] + 0.375 * points[1, index]:
        near = np.hypot(x - px, y - py) < 3.5
        weight = images[0, ..., 0] * near
        assert (
            np.hypot((x * weight).sum() / weight.sum() - px, (y * weight).sum() / weight.sum() - py)
            < 0.6
        )


@pytest.mark.parametrize("recipe", ["splice", "seamless"])
def test_outside_the_face_there_is_the_first_alone(portraits, recipe):
    bent, _ = between(portraits)
    first, _, points, other = pair(portraits)
    images, _ = made(portraits, recipe)
    ring = ((points + other) / 2)[:, RING]
    beyond = outline_distance(ring, 64) > 3
    assert beyond.any(axis=(1, 2)).all()
    assert np.abs(images - bent[0])[beyond].max() <= 1
    assert (np.abs(images - bent[0]).max(axis=(1, 2, 3)) > 10).all()
    assert first.shape == images.shape


def test_cloning_levels_the_border_that_a_hard_splice_leaves(portraits):
    n = 16
    first, second, points, other = pair(portraits, n)
    seeds = np.arange(400)
    drawn = draw(seeds, SPREADS["splice"], "splice")
    hard = seeds[(drawn["feather"] < 1) & (drawn["transfer"] < 0.7)][:n]
    bent, _ = between(portraits, n)
    distance = outline_distance(((points + other) / 2)[:, RING], 64)
    steps = {}
    for recipe in ("splice", "seamless"):
        images, _ = morph(first, second, points, other, np.full(n, recipe), hard, np.full(n, HALF))
        added = images - bent[0]  # what the morph put over the first
        rim = (np.abs(distance) < 3)[..., None]
        steps[recipe] = (np.abs(np.diff(added, axis=2, prepend=added[:, :, :1])) * rim).sum()
    assert steps["seamless"] < 0.7 * steps["splice"]


def test_only_unwarped_blends_double_the_features(portraits):
    """A dissolve has eyes of both at two places: less contrast there than the warped morph keeps."""

    def contrast(images: np.ndarray) -> float:
        return float(np.abs(np.diff(images.astype(float), axis=2)).mean())

    assert contrast(made(portraits, "blend", 16)[0]) < contrast(made(portraits, "complete", 16)[0])


def test_bands_come_from_different_persons(portraits):
    bent, inside = between(portraits, 16)
    images, _ = made(portraits, "frequency", 16)
    pictures = [*bent, images]
    low = [gaussian_filter(p.astype(float), (0, 4, 4, 0)) for p in pictures]
    fine = [p - gaussian_filter(p.astype(float), (0, 1, 1, 0)) for p in pictures]
    face = inside[..., None]

    def gap(a: np.ndarray, b: np.ndarray) -> float:
        return float((np.abs(a - b) * face).sum())

    assert gap(low[2], low[0]) < 0.5 * gap(low[2], low[1])
    assert gap(fine[2], fine[1]) < 0.7 * gap(fine[2], fine[0])


def test_retouching_takes_ghosts_away(portraits):
    """Where the two disagree, the retouched morph is smoother than the plain one."""
    bent, _ = between(portraits, 16)
    ghosts = np.abs(bent[0] - bent[1]).max(axis=-1) > 80
    plain, touched = (
        made(portraits, recipe, 16)[0].astype(float) for recipe in ("complete", "retouch")
    )
    rough = [
        np.abs(p - gaussian_filter(p, (0, 1, 1, 0))).mean(axis=-1)[ghosts].mean()
        for p in (plain, touched)
    ]
    assert rough[1] < 0.95 * rough[0]


def test_a_morph_does_not_depend_on_its_batch(portraits):
    n = 12
    arrays = pair(portraits, n)
    recipes, seeds = np.array(RECIPES * 2), np.arange(n) * 2**33 + 7
    together, table = morph(*arrays, recipes, seeds)
    order = np.random.default_rng(0).permutation(n)
    shuffled, rows = morph(*rows_of(arrays, order), recipes[order], seeds[order])
    assert (shuffled == together[order]).all()
    pd.testing.assert_frame_equal(rows, table.iloc[order].reset_index(drop=True))
    alone, _ = morph(*rows_of(arrays, slice(3, 4)), recipes[3:4], seeds[3:4])
    assert (alone[0] == together[3]).all()


def test_morphs_are_reproducible_to_the_byte(portraits):
    images, _ = morph(*pair(portraits, 12, 48), np.array(RECIPES * 2), np.arange(12))
    assert hashlib.sha256(images.tobytes()).hexdigest() == MORPHS


def test_what_was_drawn_is_saved_and_stays_in_its_range(portraits):
    n = 36
    before = pair(portraits, n)
    copies = [a.copy() for a in before]
    _, table = morph(*before, np.array(RECIPES * 6), np.arange(n))
    assert all((a == b).all() for a, b in zip(before, copies, strict=True))
    assert table.columns.tolist() == ["recipe", "alpha", *PARAMETERS]
    assert table["alpha"].between(ALPHA.low, ALPHA.high).all()
    assert table["alpha"].nunique() == n
    for recipe, spreads in SPREADS.items():
        own = table["recipe"] == recipe
        for name, spread in spreads.items():
            values = table[f"{recipe}_{name}"]
            assert values[~own].isna().all()
            inside = values[own].between(spread.low, spread.high)
            assert (inside | (values[own] == spread.otherwise)).all()
    none, empty = morph(*rows_of(before, slice(0)), np.array([]), np.arange(0))
    assert len(none) == len(empty) == 0


@pytest.mark.parametrize("recipe", RECIPES)
def test_landmarks_beyond_the_picture_are_no_reason_to_stop(portraits, recipe):
    first, second, points, other = pair(portraits, 2)
    images, _ = morph(first, second, points + 40, other - 500, np.full(2, recipe), np.arange(2))
    assert images.shape == first.shape


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recipes": np.array(["complete", "splise"])}, "unknown morphing recipe 'splise'; did you mean `splice`"),
        ({"recipes": np.array(["complete"])}, "2 pairs need as many recipes"),
        ({"seeds": np.array([1, -2])}, "integers of 0 or more"),
        ({"alphas": np.array([0.5, 1.5])}, r"alphas must be 2 numbers in \[0, 1\]"),
        ({"alphas": np.array([0.5, np.nan])}, r"alphas must be 2 numbers in \[0, 1\]"),
        ({"second": np.zeros((2, 32, 32, 3), np.uint8)}, "must have one shape"),
        ({"landmarks_second": np.zeros((2, 5, 2))}, r"landmarks must be \(2, 42, 2\)"),
        ({"first": np.zeros((2, 64, 64, 3))}, "uint8 .* not float64"),
    ],
)  # fmt: skip
def test_impossible_arguments_are_refused(portraits, change, message):
    first, second, points, other = pair(portraits, 2)
    arguments = {
        "first": first, "second": second, "landmarks_first": points, "landmarks_second": other,
        "recipes": np.array(["complete", "blend"]), "seeds": np.arange(2),
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        morph(**(arguments | change))

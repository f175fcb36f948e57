"""Persons: what is drawn, what an image may depend on, and what is refused."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, kstest

from unispace.data.studio import bodies, wardrobe
from unispace.data.studio.bodies_factors import CLOTHING, IDENTITY
from unispace.data.studio.draws import Span
from unispace.data.studio.pen import Pen
from unispace.data.studio.swatches import PALETTE

# Changes whenever a picture changes: every data set rendered before is then out of date.
PICTURES = "c860c3172477e81776080b8e7eeee4beefc3a738a1d0e1b7765be6511a04aa04"

NAMES = {
    "hair": wardrobe.HAIR_STYLES,
    "hair_colour": tuple(wardrobe.HAIR_COLOURS),
    "hat": wardrobe.HATS,
    "top": wardrobe.TOPS,
    "pattern": wardrobe.PATTERNS,
    "bottom": wardrobe.BOTTOMS,
    "carried": wardrobe.CARRIED,
    "top_colour": tuple(PALETTE),
}
seeds = st.integers(0, 2**32 - 1)


def tables(n: int, seed: int = 0, cameras: int = 5) -> tuple[pd.DataFrame, pd.DataFrame]:
    identities = bodies.sample_identities(np.random.default_rng(seed), n)
    return identities, bodies.sample_views(np.random.default_rng(seed + 1), n, cameras)


def plain_views(n: int, **changes: object) -> pd.DataFrame:
    """One calm frontal view, `n` times, with some factors set."""
    one = bodies.sample_views(np.random.default_rng(3), 1, 1)
    calm = {
        "yaw": 0.0, "phase": 30.0, "scale": 1.0, "shift_x": 0.0, "shift_y": 0.0, "gain_red": 1.0,
        "gain_green": 1.0, "gain_blue": 1.0, "blur": 0.0, "occluder": "none", "noise": 0.0,
    }  # fmt: skip
    return pd.concat([one.assign(**(calm | changes))] * n, ignore_index=True)


def repeated(frame: pd.DataFrame, row: int, n: int, **changes: object) -> pd.DataFrame:
    return pd.concat([frame.iloc[[row]]] * n, ignore_index=True).assign(**changes)


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(float) - b.astype(float)).mean())


@given(seed=seeds, n=st.integers(1, 40), more=st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_longer_tables_start_with_shorter_ones(seed, n, more):
    for few, many in zip(tables(n, seed), tables(n + more, seed), strict=True):
        pd.testing.assert_frame_equal(few, many.head(n))


def test_every_name_and_camera_occurs():
    identities, views = tables(1500)
    for column, names in NAMES.items():
        assert set(identities[column]) == set(names), column
    assert set(views["camera"]) == set(range(5))
    assert set(views["occluder"]) == set(wardrobe.OCCLUDERS)


def test_numbers_stay_within_the_documented_ranges():
    identities, views = tables(500)
    ranges = {"height": (0.8, 1), "shoulder": (0.085, 0.145), "limb": (0.75, 1.35), "skin": (0, 1)}
    for column, (low, high) in ranges.items():
        assert identities[column].between(low, high).all(), column
    assert views["yaw"].between(0, 360).all()
    assert views["scale"].between(0.92, 1.02).all()


@pytest.mark.parametrize("size", [16, 33, 64, 96])
def test_images_have_the_asked_shape_and_content(size):
    images = bodies.render(*tables(4), size)
    assert images.shape == (4, size, size, 3)
    assert images.dtype == np.uint8
    assert (images.reshape(4, -1).std(axis=1) > 10).all()


@given(seed=st.integers(0, 1000), size=st.sampled_from([24, 48, 64]))
@settings(max_examples=6, deadline=None)
def test_an_image_does_not_depend_on_its_batch(seed, size):
    identities, views = tables(24, seed)
    together = bodies.render(identities, views, size)
    order = np.random.default_rng(seed).permutation(24)
    shuffled = bodies.render(identities.iloc[order], views.iloc[order], size)
    np.testing.assert_array_equal(shuffled, together[order])
    for i in range(6):
        alone = bodies.render(identities.iloc[[i]], views.iloc[[i]], size)
        np.testing.assert_array_equal(alone[0], together[i])


def test_an_image_does_not_depend_on_the_chunks(monkeypatch):
    identities, views = tables(40, 8)
    whole = bodies.render(identities, views, 40)
    monkeypatch.setattr(bodies, "CHUNK_PIXELS", 7 * 40 * 40)
    np.testing.assert_array_equal(bodies.render(identities, views, 40), whole)


def test_windows_hold_all_of_their_shapes(monkeypatch):
    """Whole images as windows change nothing: no shape reaches beyond the window it is painted in."""
    windowed = bodies.render(*tables(60, 9), 40)
    monkeypatch.setattr(Pen, "_window", lambda self, centre, _: (centre.astype(np.intp) * 0, 40))
    np.testing.assert_array_equal(bodies.render(*tables(60, 9), 40), windowed)


def test_pictures_are_what_they_were():
    first, second = (bodies.render(*tables(32, 5), 48) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert hashlib.sha256(first.tobytes()).hexdigest() == PICTURES


def test_persons_differ_from_each_other():
    identities, _ = tables(40)
    images = bodies.render(identities, plain_views(40), 64)
    closest = min(difference(images[i], images[j]) for i in range(40) for j in range(i))
    assert closest > 2.5


@pytest.mark.parametrize("column", ["hair", "top", "bottom", "carried", "hat", "pattern"])
def test_every_name_is_drawn_differently(column):
    calm = {
        "hair": "short", "hair_colour": "brown", "hat": "none", "top": "longsleeve", "carried": "none",
        "top_colour": "red", "top_second": "white", "pattern": "plain", "bottom": "trousers",
        "bottom_colour": "blue", "carried_colour": "green", "hat_colour": "purple", "beard": False,
    }  # fmt: skip
    names = NAMES[column]
    persons = repeated(tables(1)[0], 0, len(names), **(calm | {column: list(names)}))
    # A ponytail shows from the side only, a print on the chest from the front only.
    yaw = 110.0 if column == "hair" else 20.0
    images = bodies.render(persons, plain_views(len(names), yaw=yaw), 64)
    for i in range(len(names)):
        for j in range(i):
            assert difference(images[i], images[j]) > 0.15, (names[i], names[j])


def test_the_back_hides_the_face():
    persons = repeated(tables(1)[0], 0, 2, hair="short", hair_colour="black", hat="none", skin=0.0)
    views = plain_views(2)
    views["yaw"] = [0.0, 180.0]
    front, back = bodies.render(persons, views, 64)
    head = (slice(2, 18), slice(26, 38))
    assert front[head].mean() > back[head].mean() + 15


def test_a_camera_has_one_scene():
    persons = repeated(tables(1)[0], 0, 4, carried="none")
    views = plain_views(4)
    views["camera"], views["yaw"] = [0, 0, 1, 2], [0.0, 90.0, 0.0, 0.0]
    images = bodies.render(persons, views, 64)
    border = images[:, :30, :10]
    np.testing.assert_array_equal(border[0], border[1])
    assert difference(border[0], border[2]) > 8
    assert difference(border[0], border[3]) > 8


def test_bad_arguments_are_named():
    identities, views = tables(3)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        bodies.sample_identities(rng, 0)
    with pytest.raises(ValueError, match="n must be at least 1, got -2"):
        bodies.sample_views(rng, -2)
    with pytest.raises(ValueError, match="cameras must be at least 1, got 0"):
        bodies.sample_views(rng, 2, cameras=0)
    with pytest.raises(ValueError, match="size must be at least 16, got 15"):
        bodies.render(identities, views, 15)
    with pytest.raises(ValueError, match="lengths differ: identities 3, views 2"):
        bodies.render(identities, views.head(2), 32)
    with pytest.raises(ValueError, match="top: 'toga' is not one of tshirt"):
        bodies.render(identities.assign(top="toga"), views, 32)


def test_another_outfit_leaves_the_body_alone():
    identities, _ = tables(300)
    numbers = np.arange(300)
    same = bodies.dressed(identities, numbers * 0, numbers)
    pd.testing.assert_frame_equal(same, identities)
    other = bodies.dressed(identities, numbers * 0 + 2, numbers)
    assert other.dtypes.equals(identities.dtypes)
    kept = [c for c in identities if c not in CLOTHING]
    assert {"height", "shoulder", "skin", "hair", "hair_colour", "beard"} <= set(kept)
    pd.testing.assert_frame_equal(other[kept], identities[kept])
    clothes = list(CLOTHING)
    assert (other[clothes] != identities[clothes]).any(axis=1).all()
    assert identities.equals(tables(300)[0])  # what was given is not changed


def test_outfits_are_drawn_like_the_clothes_at_first():
    identities, _ = tables(6000)
    other = bodies.dressed(identities, np.ones(6000, int), np.arange(6000))
    for column in CLOTHING:
        if isinstance(IDENTITY[column], Span):
            assert kstest(other[column], identities[column]).pvalue > 1e-4, column
        else:
            counts = pd.DataFrame(
                {"first": identities[column].value_counts(), "then": other[column].value_counts()}
            )
            assert not counts.isna().to_numpy().any()
            assert chi2_contingency(counts.T).pvalue > 1e-4, column


def test_columns_of_an_outfit_are_drawn_apart():
    """No two columns share their chances: a top's colour tells nothing of the trousers'."""
    identities, _ = tables(4000)
    other = bodies.dressed(identities, np.ones(4000, int), np.arange(4000))
    ranks = other[list(CLOTHING)].apply(
        lambda c: c.astype("category").cat.codes if c.dtype == "str" else c
    )
    correlation = ranks.corr(method="spearman").to_numpy() - np.eye(len(CLOTHING))
    assert np.abs(correlation).max() < 0.08


@given(seed=st.integers(0, 2**31), outfits=st.lists(st.integers(0, 5), min_size=12, max_size=12))
@settings(max_examples=15, deadline=None)
def test_an_outfit_is_the_same_in_every_image(seed, outfits):
    identities, _ = tables(4, 1)
    who = np.arange(12) % 4
    rows, outfits = identities.iloc[who], np.asarray(outfits)
    worn = bodies.dressed(rows, outfits, seed + who)
    order = np.random.default_rng(seed).permutation(12)
    again = bodies.dressed(rows.iloc[order], outfits[order], seed + who[order])
    assert again.reset_index(drop=True).equals(worn.iloc[order].reset_index(drop=True))
    for i in range(12):
        for j in range(i):
            if who[i] == who[j]:
                assert worn.iloc[i].equals(worn.iloc[j]) == (outfits[i] == outfits[j])


def test_changed_clothes_show_on_the_picture():
    identities, _ = tables(30)
    numbers = np.arange(30)
    images = [
        bodies.render(bodies.dressed(identities, numbers * 0 + k, numbers), plain_views(30), 64)
        for k in range(3)
    ]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        gaps = np.abs(images[i].astype(float) - images[j]).mean(axis=(1, 2, 3))
        assert gaps.min() > 1.5


def test_outfits_that_are_none_are_refused():
    identities, _ = tables(3)
    numbers = np.arange(3)
    with pytest.raises(ValueError, match="lengths differ: identities 3, outfits 2, seeds 3"):
        bodies.dressed(identities, numbers[:2], numbers)
    with pytest.raises(ValueError, match="outfits must be whole numbers of at least 0"):
        bodies.dressed(identities, numbers - 1, numbers)
    with pytest.raises(ValueError, match="seeds must be whole numbers of at least 0"):
        bodies.dressed(identities, numbers, numbers / 2)

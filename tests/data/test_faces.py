"""Portraits: what is drawn, what an image may depend on, and what is refused."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unispace.data.studio import faces
from unispace.data.studio.faces_factors import (
    IDENTITY,
    SIBLING_CHANGED,
    SIBLING_SPREAD,
    VIEW,
    Choice,
    Range,
)

# Changes whenever a picture changes: every data set rendered before is then out of date.
PICTURES = "a9b411b3ebe85ed618b24cbbd406f1824f1325ad7506aea42c8e01906b7d349f"


def tables(n: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    identities = faces.sample_identities(np.random.default_rng(seed), n)
    return identities, faces.sample_views(np.random.default_rng(seed + 1), n)


def digest(images: np.ndarray) -> str:
    return hashlib.sha256(images.tobytes()).hexdigest()


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 30),
    more=st.integers(1, 30),
    fraction=st.sampled_from([0.0, 0.3, 1.0]),
)
@settings(max_examples=20, deadline=None)
def test_more_identities_keep_the_first(seed, n, more, fraction):
    few = faces.sample_identities(np.random.default_rng(seed), n, fraction)
    many = faces.sample_identities(np.random.default_rng(seed), n + more, fraction)
    pd.testing.assert_frame_equal(few, many.head(n))


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 30), strength=st.floats(0, 2))
@settings(max_examples=20, deadline=None)
def test_more_views_keep_the_first(seed, n, strength):
    few = faces.sample_views(np.random.default_rng(seed), n, strength)
    many = faces.sample_views(np.random.default_rng(seed), n + 7, strength)
    pd.testing.assert_frame_equal(few, many.head(n))


@pytest.mark.parametrize(("factors", "table"), [(IDENTITY, 0), (VIEW, 1)])
def test_factors_stay_within_their_ranges(factors, table):
    frame = tables(500)[table]
    for name, factor in factors.items():
        if isinstance(factor, Range):
            assert frame[name].between(factor.low, factor.high).all(), name
        elif isinstance(factor, Choice):
            assert set(frame[name]) == set(factor.weights), name


def test_no_strength_means_the_same_plain_portrait():
    views = faces.sample_views(np.random.default_rng(3), 40, 0.0)
    seeds = ["noise_seed", "pattern_seed"]
    evenly_named = [n for n, f in VIEW.items() if isinstance(f, Choice)]
    assert (views[evenly_named].nunique() == 1).all()
    assert (views.drop(columns=[*evenly_named, *seeds]).nunique() == 1).all()
    assert views["yaw"].eq(0).all()
    assert views["occluder"].eq("none").all()


def test_siblings_are_close_and_counted_in_families():
    table = faces.sample_identities(np.random.default_rng(0), 400, 0.4)
    sibling = table["family"].to_numpy() != np.arange(400)
    assert 0.3 < sibling.mean() < 0.5
    assert not sibling[0]
    assert (table["family"].diff().dropna() >= 0).all()
    parents = table.iloc[table["family"]].reset_index(drop=True)
    names = [n for n, f in IDENTITY.items() if isinstance(f, Choice)]
    different = (table[names] != parents[names]).sum(axis=1)
    assert (different[sibling] <= SIBLING_CHANGED).all()
    near = (table["head_width"] - parents["head_width"]).abs()[sibling]
    assert near.max() <= SIBLING_SPREAD * (0.47 - 0.35) + 1e-6
    assert (
        (table[sibling].drop(columns="family") != parents[sibling].drop(columns="family"))
        .any(axis=1)
        .all()
    )


def test_without_siblings_everyone_is_a_family():
    table = faces.sample_identities(np.random.default_rng(0), 20)
    assert table["family"].tolist() == list(range(20))


@pytest.mark.parametrize("size", [16, 32, 33, 64, 256])
def test_images_have_the_asked_size_and_use_the_tones(size):
    images = faces.render(*tables(3), size)
    assert images.shape == (3, size, size, 3)
    assert images.dtype == np.uint8
    assert (images.reshape(3, -1).std(axis=1) > 10).all()


def test_an_image_does_not_depend_on_its_batch(monkeypatch):
    identities, views = tables(90)  # enough for every style, pattern and occluder to occur
    together = faces.render(identities, views, 32)
    shuffled = np.random.default_rng(5).permutation(90)
    assert (
        faces.render(identities.iloc[shuffled], views.iloc[shuffled], 32) == together[shuffled]
    ).all()
    monkeypatch.setattr(faces, "CHUNK", 7)
    assert (faces.render(identities, views, 32) == together).all()
    alone = [faces.render(identities[i : i + 1], views[i : i + 1], 32)[0] for i in range(0, 90, 9)]
    assert (np.stack(alone) == together[::9]).all()


def test_rendering_is_reproducible_to_the_byte():
    first, second = (digest(faces.render(*tables(48), 48)) for _ in range(2))
    assert first == second
    assert first == PICTURES


@pytest.mark.parametrize(
    "factor", [n for n in IDENTITY if n not in {"mark_x", "mark_y", "mark_size"}]
)
def test_every_identity_factor_shows(factor):
    """Between the two ends of a factor, some of a few plain portraits differ."""
    identities = faces.sample_identities(np.random.default_rng(0), 24)
    views = faces.sample_views(np.random.default_rng(1), 24, 0.0)
    low, high = identities.copy(), identities.copy()
    kind = IDENTITY[factor]
    ends = (kind.low, kind.high) if isinstance(kind, Range) else list(kind.weights)[:2]
    low[factor], high[factor] = ends
    assert (faces.render(low, views, 32) != faces.render(high, views, 32)).any()


@pytest.mark.parametrize("factor", [n for n in VIEW if n not in {"pattern_scale", "occluder_hue"}])
def test_every_view_factor_shows(factor):
    identities, views = tables(12)
    views["occluder"], views["pattern"] = "hand", "clouds"
    low, high = views.copy(), views.copy()
    kind = VIEW[factor]
    if isinstance(kind, Range):
        # Not the far end: hues and angles come round to where they started.
        low[factor], high[factor] = kind.low, 0.3 * kind.low + 0.7 * kind.high
    elif isinstance(kind, Choice):
        low[factor], high[factor] = list(kind.weights)[:2]
    else:
        low[factor], high[factor] = 1, 2
    assert (faces.render(identities, low, 32) != faces.render(identities, high, 32)).any()


def test_a_turned_head_moves_the_nose_more_than_the_ears_side():
    """Left and right turns of a symmetric scene are mirror images on average."""
    identities = faces.sample_identities(np.random.default_rng(0), 1)
    identities["hair_style"], identities["mark"] = "bald", "none"
    views = faces.sample_views(np.random.default_rng(0), 1, 0.0)
    left, right = (
        faces.render(identities, views.assign(yaw=yaw), 64)[0].astype(float) for yaw in (-40, 40)
    )
    assert np.abs(left - right[:, ::-1]).mean() < 3
    assert np.abs(left - right).mean() > 6


@pytest.mark.parametrize("n", [0, -1])
def test_no_rows_are_refused(n):
    with pytest.raises(ValueError, match="n must be at least 1"):
        faces.sample_identities(np.random.default_rng(0), n)
    with pytest.raises(ValueError, match="n must be at least 1"):
        faces.sample_views(np.random.default_rng(0), n)


def test_impossible_numbers_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"sibling_fraction must be within \[0, 1\], not 1.5"):
        faces.sample_identities(rng, 3, 1.5)
    with pytest.raises(ValueError, match=r"strength must be within \[0, 2\], not -1"):
        faces.sample_views(rng, 3, -1)
    with pytest.raises(ValueError, match="size must be at least 16 pixels, not 8"):
        faces.render(*tables(2), 8)


def test_tables_that_do_not_fit_are_refused():
    identities, views = tables(3)
    with pytest.raises(ValueError, match="3 identities do not match 2 views"):
        faces.render(identities, views.head(2), 32)
    with pytest.raises(ValueError, match="n must be at least 1"):
        faces.render(identities.head(0), views.head(0), 32)
    with pytest.raises(ValueError, match="views lack the columns yaw, roll"):
        faces.render(identities, views.drop(columns=["yaw", "roll"]), 32)
    with pytest.raises(
        ValueError, match="identities: hair_style cannot be 'bowl'; choose from bald"
    ):
        faces.render(identities.assign(hair_style="bowl"), views, 32)

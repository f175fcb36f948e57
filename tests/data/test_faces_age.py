"""Years since enrolment: nothing at none, more with more, and still the same person."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unispace.data.studio import faces
from unispace.data.studio.faces_age import aged
from unispace.data.studio.faces_factors import IDENTITY, Range


def tables(n: int, strength: float = 0.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    identities = faces.sample_identities(np.random.default_rng(0), n)
    return identities, faces.sample_views(np.random.default_rng(1), n, strength)


def gap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean difference per image, `(n,)`."""
    return np.abs(a.astype(float) - b).mean(axis=(1, 2, 3))


def test_on_the_day_of_enrolment_nothing_is_changed():
    identities, views = tables(60, 1.0)
    assert (views["age"] == 0).all()
    at_zero = faces.render(identities, views, 32)
    np.testing.assert_array_equal(at_zero, faces.render(identities, views.drop(columns="age"), 32))
    # Nor for those who are young among old ones.
    mixed = views.assign(age=np.where(np.arange(60) % 2, 0.9, 0.0))
    among = faces.render(identities, mixed, 32)
    np.testing.assert_array_equal(among[::2], at_zero[::2])
    assert (gap(among, at_zero)[1::2] > 0.5).all()


@given(seed=st.integers(0, 2**32 - 1), drift=st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_ages_are_drawn_by_themselves(seed, drift):
    without, with_ = (
        faces.sample_views(np.random.default_rng(seed), 30, 1.0, d) for d in (0, drift)
    )
    pd.testing.assert_frame_equal(without.drop(columns="age"), with_.drop(columns="age"))
    assert with_["age"].between(0, drift).all()
    longer = faces.sample_views(np.random.default_rng(seed), 50, 1.0, drift)
    pd.testing.assert_frame_equal(longer.head(30), with_)


def test_ages_fill_their_range_whatever_the_strength():
    for strength in (0.0, 2.0):
        age = faces.sample_views(np.random.default_rng(0), 4000, strength, 0.6)["age"]
        assert age.mean() == pytest.approx(0.3, abs=0.02)
        assert age.max() > 0.58


def test_faces_change_steadily_and_stay_the_same_person():
    identities, views = tables(40)
    series = np.stack(
        [faces.render(identities, views.assign(age=a), 48) for a in (0, 0.01, 0.25, 0.5, 0.75, 1)]
    )
    from_start = np.stack([gap(series[0], later) for later in series[1:]])
    assert (np.diff(from_start, axis=0) > 0).mean() > 0.95
    assert from_start[0].max() < 1.2  # no jump when ageing begins
    assert from_start[-1].min() > 1.5
    # The middle of the face, without the hair, is still nearest to the person's own young one.
    for step, share in ((3, 0.95), (5, 0.75)):
        young, old = (series[k][:, 20:38, 13:35].astype(float) for k in (0, step))
        between = np.abs(old[:, None] - young[None]).mean(axis=(2, 3, 4))
        assert (between.argmin(axis=1) == np.arange(40)).mean() >= share


def test_hair_turns_grey():
    identities, views = tables(40)
    identities = identities.assign(hair_style="afro", hair_colour="ginger", glasses="none")
    top = [faces.render(identities, views.assign(age=a), 48)[:, 3:9, 20:28] for a in (0, 0.5, 1)]
    colourful = [np.ptp(part.astype(int), axis=-1).mean() for part in top]
    assert colourful[0] > colourful[1] + 15 > colourful[2] + 30
    assert top[2].mean() > top[0].mean()


def test_forehead_and_mouth_get_lines():
    """Dark against their surroundings where the skin was even."""
    identities, views = tables(40)
    identities = identities.assign(hair_style="bald", beard="none", glasses="none", mark="none")
    young, old = (
        faces.render(identities, views.assign(age=a, noise=0.0), 96).astype(float).mean(axis=-1)
        for a in (0, 1)
    )
    # The second place holds the corner of the mouth too, which is rough at any age.
    places = ((slice(22, 32), slice(44, 52), 1.5), (slice(52, 66), slice(26, 42), 1.15))
    for rows, columns, more in places:
        rough = [np.abs(np.diff(p[:, rows, columns], axis=1)).mean() for p in (young, old)]
        assert rough[1] > more * rough[0]


def test_people_age_at_their_own_pace_within_their_ranges():
    identities, _ = tables(500)
    columns = {name: identities[name].to_numpy() for name in IDENTITY}
    before = {name: values.copy() for name, values in columns.items()}
    old = aged(columns, np.ones(500))
    assert all((columns[name] == before[name]).all() for name in columns)
    assert (old["hairline"] < columns["hairline"] - 0.1).all()
    assert np.ptp(old["hairline"] - columns["hairline"]) > 0.05
    assert old["grey"].min() > 0.7
    assert old["grey"].max() <= 0.95
    kept = [n for n in IDENTITY if n not in old or (old[n] == columns[n]).all()]
    assert {"head_width", "head_height", "eye_spacing", "skin_tone", "eye_colour"} <= set(kept)
    square = IDENTITY["jaw_square"]
    assert isinstance(square, Range)
    assert (old["jaw_square"] <= square.high).all()
    start = aged(columns, np.zeros(500))
    assert all((start[name] == columns[name]).all() for name in columns)
    assert (start["grey"] == 0).all()
    assert (start["lids"] == 0).all()


def test_impossible_ages_are_refused():
    identities, views = tables(3)
    with pytest.raises(ValueError, match=r"age_drift must be within \[0, 1\], not 1.5"):
        faces.sample_views(np.random.default_rng(0), 3, 1.0, 1.5)
    for age in (1.2, -0.1, np.nan):
        with pytest.raises(ValueError, match=r"views: age must be within \[0, 1\]"):
            faces.render(identities, views.assign(age=[0.0, age, 0.5]), 32)

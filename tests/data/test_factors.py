"""The dictionary of factors against the tables that are drawn."""

import numpy as np
import pandas as pd
import pytest

from unispace.data.studio import bodies, faces, families, objects
from unispace.data.studio.bodies_scene import camera_look, gain_range
from unispace.data.studio.factors import describe

N = 2000
FAMILIES = tuple(families.FAMILIES)
SUBJECTS = ("face", "body", "object", *FAMILIES)


def tables(subject: str) -> dict[str, pd.DataFrame]:
    first, second = np.random.default_rng(0), np.random.default_rng(1)
    if subject == "face":
        return {
            "identities": faces.sample_identities(first, N, 0.3),
            "views": faces.sample_views(second, N, 2.0, 1.0),
        }
    if subject == "body":
        return {
            "identities": bodies.sample_identities(first, N),
            "views": bodies.sample_views(second, N, 60),
        }
    if subject != "object":
        things, views = families.sample(subject, first, N)
        return {"instances": things, "views": views}
    return {
        "instances": objects.sample_instances(first, N),
        "views": objects.sample_views(second, N),
    }


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_column_is_told_in_order(subject):
    drawn = tables(subject)
    told = describe(subject)
    assert list(told) == [column for frame in drawn.values() for column in frame]
    for table, frame in drawn.items():
        assert [name for name, info in told.items() if info.table == table] == list(frame)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_drawn_values_lie_within_what_is_told_and_fill_it(subject):
    told = describe(subject)
    for frame in tables(subject).values():
        for name, values in frame.items():
            info = told[str(name)]
            if info.categories:
                assert set(values) == set(info.categories), name
                assert (info.unit, info.low, info.high) == ("names", None, None)
                continue
            numbers = values.to_numpy(np.float64)
            assert info.low is not None, name
            assert numbers.min() >= info.low, name
            if info.high is None:
                assert name in ("family", "camera")
                continue
            assert numbers.max() <= info.high, name
            width = info.high - info.low
            assert np.ptp(numbers) > 0.6 * width, name
            if values.dtype == bool:
                assert (info.unit, info.low, info.high) == ("yes or no", 0, 1)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_kinds_follow_the_tables(subject):
    for name, info in describe(subject).items():
        if name.endswith("_seed"):
            assert info.kind == "seed"
        elif info.table == "identities":
            assert info.kind == "identity"
        else:
            assert info.kind == "nuisance"
        assert info.meaning, name
        assert len(info.meaning) < 90
        assert info.unit, name


def test_what_comes_round_has_a_period():
    periods = {
        (subject, name): info.period
        for subject in ("face", "body", "object")
        for name, info in describe(subject).items()
        if info.period is not None
    }
    assert periods == {
        ("face", "background_hue"): 1,
        ("face", "background_angle"): 360,
        ("face", "clothing_hue"): 1,
        ("face", "occluder_hue"): 1,
        ("body", "yaw"): 360,
        ("body", "phase"): 360,
        ("object", "back_angle"): 360,
        ("object", "light_angle"): 360,
    }


def test_ranges_are_those_of_the_drawing_tables():
    face, body, thing = describe("face"), describe("body"), describe("object")
    assert (face["age"].low, face["age"].high) == (0, 1)
    assert (body["height"].low, body["height"].high) == (0.8, 1.0)
    assert (thing["clutter"].low, thing["clutter"].high) == (0, 3)
    assert (thing["rotation"].low, thing["rotation"].high) == (-22, 22)
    assert thing["main_colour"].categories[0] == "red"


def test_gains_of_all_cameras_lie_within_their_range():
    gains = camera_look(np.arange(5000))
    for channel in range(3):
        low, high = gain_range(channel)
        assert low <= gains[:, channel].min() < 1.03 * low
        assert high >= gains[:, channel].max() > 0.97 * high

"""Landmarks: they lie on what the painter paints, and follow the head."""

import numpy as np
import pandas as pd
import pytest

from unispace.data.studio import faces
from unispace.data.studio.faces_age import aged
from unispace.data.studio.faces_landmarks import FACE_RING, LANDMARKS
from unispace.data.studio.faces_portrait import Portrait

NEAR = 1.5  # pixels
SIZES = pytest.mark.parametrize("size", [64, 128])


def tables(n: int = 12, strength: float = 0.7, **fixed) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Faces with nothing before them; `fixed` factors have one value."""
    identities = faces.sample_identities(np.random.default_rng(0), n)
    views = faces.sample_views(np.random.default_rng(1), n, strength)
    fixed = {
        "occluder": "none", "glasses": "none", "beard": "none", "mark": "none", "eye_open": 1.0,
    } | fixed  # fmt: skip
    for name, value in fixed.items():
        (views if name in views else identities)[name] = value
    return identities, views


def point(landmarks: np.ndarray, name: str) -> np.ndarray:
    return landmarks[..., LANDMARKS.index(name), :]


def changed(identities, views, size, factor, low, high, least=40) -> np.ndarray:
    """Pixels of every picture that depend on a factor of the identity."""
    pictures = [
        faces.render(identities.assign(**{factor: value}), views, size).astype(int)
        for value in (low, high)
    ]
    return np.abs(pictures[0] - pictures[1]).max(axis=-1) > least


def places(mask: np.ndarray) -> np.ndarray:
    """Middles of the pixels of a mask, (m, 2) as x and y."""
    return np.argwhere(mask)[:, ::-1] + 0.5


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm(a[:, None] - b[None], axis=-1)


@SIZES
def test_pupils_are_in_the_middle_of_the_irises(size):
    identities, views = tables(eye_shape="round", hair_style="bald", roll=0.0)
    landmarks = faces.landmarks(identities, views, size)
    irises = changed(identities, views, size, "eye_colour", "dark", "blue")
    for mask, own in zip(irises, landmarks, strict=True):
        spots = places(mask)
        pupils = np.stack([point(own, f"pupil_{side}") for side in ("left", "right")])
        nearest = distances(spots, pupils).argmin(axis=1)
        for i, pupil in enumerate(pupils):
            middle = (spots[nearest == i].min(axis=0) + spots[nearest == i].max(axis=0)) / 2
            assert np.linalg.norm(middle - pupil) < NEAR * size / 64


@SIZES
def test_brows_run_along_their_points(size):
    identities, views = tables(hair_style="bald", hair_colour="black", skin_tone=0.1, yaw=0.0)
    landmarks = faces.landmarks(identities, views, size)
    brows = changed(identities, views, size, "brow_thickness", 0.010, 0.036, 40)
    for mask, own in zip(brows, landmarks, strict=True):
        painted = places(mask)
        lines = []
        for side in ("left", "right"):
            inner, bend, outer = (
                point(own, f"brow_{p}_{side}") for p in ("inner", "bend", "outer")
            )
            steps = np.linspace(0, 1, 30)[:, None]
            lines += [inner + steps * (bend - inner), bend + steps * (outer - bend)]
        apart = distances(np.concatenate(lines), painted)
        thick = 0.036 * 1.18 * 1.12 * size / 2
        assert apart.min(axis=1).max() < NEAR + thick / 2
        assert apart.min(axis=0).max() < NEAR + thick


@SIZES
def test_the_mouth_ends_at_its_points(size):
    identities, views = tables(roll=0.0, smile=0.0, mouth_open=-0.5, hair_style="bald")
    landmarks = faces.landmarks(identities, views, size)
    lips = changed(identities, views, size, "lip_colour", 0.0, 1.0, 8)
    shown = 0
    for mask, own in zip(lips, landmarks, strict=True):
        painted = places(mask)
        if not len(painted):  # the redness of some skins is that of lips
            continue
        shown += 1
        (left, top), (right, bottom) = painted.min(axis=0), painted.max(axis=0)
        assert abs(left - point(own, "mouth_left")[0]) < NEAR * size / 64 + 0.5
        assert abs(right - point(own, "mouth_right")[0]) < NEAR * size / 64 + 0.5
        assert abs(top - point(own, "mouth_top")[1]) < NEAR
        assert abs(bottom - point(own, "mouth_bottom")[1]) < NEAR
    assert shown > 6


def test_a_smile_lifts_the_corners_and_an_open_mouth_lowers_the_lower_lip():
    identities, views = tables(roll=0.0)
    plain, smiling, open_ = (
        faces.landmarks(identities, views.assign(**change), 64)
        for change in (
            {"smile": 0.0, "mouth_open": 0.0},
            {"smile": 1.4, "mouth_open": 0.0},
            {"smile": 0.0, "mouth_open": 1.0},
        )
    )
    assert (point(smiling, "mouth_left")[:, 1] < point(plain, "mouth_left")[:, 1]).all()
    assert (point(smiling, "mouth_right")[:, 1] < point(plain, "mouth_right")[:, 1]).all()
    assert (point(open_, "mouth_bottom")[:, 1] > point(plain, "mouth_bottom")[:, 1] + 1).all()


@SIZES
def test_the_nose_is_where_its_width_shows(size):
    identities, views = tables(yaw=0.0, roll=0.0, pitch=0.0, light_azimuth=0.0)
    landmarks = faces.landmarks(identities.assign(nose_width=0.105), views, size)
    noses = changed(identities, views, size, "nose_width", 0.045, 0.105, 12)
    for mask, own in zip(noses, landmarks, strict=True):
        painted = places(mask)
        middle = (painted.min(axis=0) + painted.max(axis=0)) / 2
        assert abs(point(own, "nose_tip")[0] - middle[0]) < NEAR
        wings = np.stack([point(own, f"nose_wing_{side}") for side in ("left", "right")])
        assert distances(wings, painted).min(axis=1).max() < NEAR


@SIZES
def test_the_outline_is_the_painters_outline(size):
    identities, views = tables(30, 1.0)
    views = views.assign(age=np.linspace(0, 1, 30))
    landmarks = faces.landmarks(identities, views, size)
    identity = {str(k): v.to_numpy() for k, v in identities.items()}
    portrait = Portrait(
        aged(identity, views["age"].to_numpy()),
        {str(k): v.to_numpy() for k, v in views.items()},
        size,
    )
    checked = 0
    for name in (
        "chin",
        *(f"{p}_{s}" for s in ("left", "right") for p in ("temple", "cheek", "jaw_middle")),
    ):
        for distance, (x, y) in zip(portrait.face, point(landmarks, name), strict=True):
            if 0 <= x < size and 0 <= y < size:
                checked += 1
                assert abs(distance[int(y), int(x)]) * size / 2 < NEAR
    assert checked > 180


@pytest.mark.parametrize("style", ["bun", "ponytail", "fringe", "side_part", "space_buns"])
@SIZES
def test_hair_ends_at_the_hairline(size, style):
    # Brows, which have the hair's colour, as low as they come.
    identities, views = tables(hair_style=style, yaw=0.0, roll=0.0, pitch=0.0, brow_raise=-1.0)
    identities = identities.assign(
        eye_height=0.05, brow_height=0.115, brow_angle=0.0, hairline=np.linspace(-0.12, 0, 12)
    )
    landmarks = faces.landmarks(identities, views, size)
    hair = changed(identities, views, size, "hair_colour", "black", "platinum", 25)
    for mask, own in zip(hair, landmarks, strict=True):
        for name in ("left", "middle", "right"):
            x, y = point(own, f"hairline_{name}")
            # Going down from hair there is skin at the landmark; brows follow further below.
            start = int(y) - 3 * size // 64
            assert mask[start, int(x)], name
            end = start + mask[start:, int(x)].argmin()
            # Half a pixel more: the end is known to whole pixels only, and a parting is steep.
            assert abs(end - y) < NEAR * size / 64 + 0.5, name


def test_a_roll_turns_the_points_around_the_middle_of_the_head():
    identities, views = tables(20, 1.0)
    level = faces.landmarks(identities, views.assign(roll=0.0), 64)
    turned = faces.landmarks(identities, views.assign(roll=15.0), 64)
    centre = 32 * (views[["shift_x", "shift_y"]].to_numpy() + [0, 0.02] + 1)[:, None]
    # As complex numbers: a clockwise turn on the screen, where y points down.
    arm = (level - centre) @ [1, 1j] * np.exp(1j * np.deg2rad(15))
    assert np.abs(np.stack([arm.real, arm.imag], axis=-1) + centre - turned).max() < 0.01


def test_shift_and_scale_move_the_points_and_the_size_scales_them():
    identities, views = tables(20, 1.0)
    at = faces.landmarks(identities, views.assign(shift_x=0.0, shift_y=0.0, scale=1.0), 64)
    moved = faces.landmarks(identities, views.assign(shift_x=0.1, shift_y=-0.05, scale=0.9), 64)
    centre = np.array([32.0, 32 * 1.02])
    expected = centre + 0.9 * (at - centre) + 32 * np.array([0.1, -0.05])
    assert np.abs(moved - expected).max() < 0.01
    assert (
        np.abs(
            faces.landmarks(identities, views, 128) - 2 * faces.landmarks(identities, views, 64)
        ).max()
        < 1e-3
    )


def test_left_and_right_are_mirror_images():
    identities, views = tables(20, 1.0, hair_style="bun")
    views = views.assign(roll=0.0, shift_x=0.0, gaze_x=0.0)
    left, right = (faces.landmarks(identities, views.assign(yaw=y), 64) for y in (-25.0, 25.0))
    swapped = [
        LANDMARKS.index(n.replace("left", "?").replace("right", "left").replace("?", "right"))
        for n in LANDMARKS
    ]
    mirrored = right[:, swapped] * [-1, 1] + [64, 0]
    assert np.abs(left - mirrored).max() < 1e-3


def test_the_ring_goes_once_around_the_face():
    identities, views = tables(30, 1.0)
    ring = faces.landmarks(identities, views, 64)[:, [LANDMARKS.index(n) for n in FACE_RING]]
    inner = point(faces.landmarks(identities, views, 64), "nose_bridge")[:, None]
    arms = (ring - inner) @ [1, 1j]
    steps = np.angle(np.roll(arms, -1, axis=1) / arms)
    assert np.allclose(np.abs(steps.sum(axis=1)), 2 * np.pi)
    assert (steps < 0).mean() > 0.97


def test_points_have_names_and_rows_of_their_own():
    identities, views = tables(9, 1.0)
    together = faces.landmarks(identities, views, 64)
    assert together.shape == (9, len(LANDMARKS), 2)
    assert len(set(LANDMARKS)) == len(LANDMARKS)
    alone = np.concatenate(
        [faces.landmarks(identities[i : i + 1], views[i : i + 1], 64) for i in range(9)]
    )
    assert (alone == together).all()


def test_tables_that_do_not_fit_are_refused():
    identities, views = tables(3)
    with pytest.raises(ValueError, match="3 identities do not match 2 views"):
        faces.landmarks(identities, views.head(2), 64)
    with pytest.raises(ValueError, match="views lack the columns yaw"):
        faces.landmarks(identities, views.drop(columns=["yaw"]), 64)
    with pytest.raises(ValueError, match="size must be at least 16 pixels, not 8"):
        faces.landmarks(identities, views, 8)

"""What the years change in a face: from the day of enrolment (0) to some forty years later (1).

Two things happen: factors of the identity drift (`aged`), and lines appear in the skin (`lines`).
People age differently: how fast hair greys and recedes and how deep lines get follows from the
identity itself, so that all pictures of a person at one age agree. At 0 nothing changes at all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unispace.data.studio.canvas import Floats, column, segment
from unispace.data.studio.faces_geometry import MOUTH_Y, at
from unispace.data.studio.faces_portrait import Portrait
from unispace.data.studio.faces_pose import Doubles, fixed
from unispace.data.studio.faces_scene import seeded

_GREYING, _RECEDING, _WRINKLING, _SAGGING = range(4)


def _pace(identity: dict[str, NDArray], kind: int) -> Doubles:
    """How fast something changes in each person, `(n,)` in [0.6, 1]."""
    # Any drawn number of an identity will do as its name: siblings have their own.
    name = np.round(identity["mark_x"].astype(np.float64) * 1e6).astype(np.int64)
    throws = (seeded(name, 4)[:, kind] >> np.uint32(16)).astype(np.float64)
    return 0.6 + 0.4 * throws / 65535.0


def aged(identity: dict[str, NDArray], age: Doubles) -> dict[str, NDArray]:
    """Let what gives a face its shape drift with the years.

    The hairline recedes, hair gets thinner, jowls fill the jaw out, ears and nose grow, lips and
    brows thin, eyes get smaller under lids that sink.

    Args:
        identity: factor name to `(n,)` values; not changed.
        age: `(n,)` in [0, 1].

    Returns:
        The factors at that age, with `grey`, the share of hair that has lost its colour, and
        `lids`, the share of the eye's height that the upper lid has sunk, `(n,)` each.
    """
    sag, recede = age * _pace(identity, _SAGGING), age * _pace(identity, _RECEDING)
    drift = {
        "hairline": identity["hairline"] - 0.20 * recede,
        "hair_volume": identity["hair_volume"] * (1 - 0.12 * recede),
        "jaw_taper": identity["jaw_taper"] * (1 - 0.30 * sag),
        "jaw_square": identity["jaw_square"] + (0.9 - identity["jaw_square"]) * 0.35 * sag,
        "ear_size": identity["ear_size"] * (1 + 0.14 * age),
        "nose_length": identity["nose_length"] * (1 + 0.07 * age),
        "nose_width": identity["nose_width"] * (1 + 0.10 * age),
        "lip_fullness": identity["lip_fullness"] * (1 - 0.35 * age),
        "brow_thickness": identity["brow_thickness"] * (1 - 0.15 * age),
        "eye_size": identity["eye_size"] * (1 - 0.09 * sag),
        "lashes": identity["lashes"] * (1 - 0.5 * age),
        "blush": identity["blush"] * (1 - 0.5 * age),
    }
    # Little at first, then steadily: squared, so that it starts without a jump.
    grey = np.clip(age * (0.35 + 0.9 * age) * _pace(identity, _GREYING), 0, 0.95)
    return {**identity, **drift, "grey": grey, "lids": 0.5 * sag}


def lines(portrait: Portrait) -> None:
    """Lines on the forehead, beside eyes, nose and mouth, bags below the eyes, and jowls.

    To be painted on the bare skin, before eyes, nose and mouth.
    """
    age = portrait.view["age"].astype(np.float64)
    rows = portrait.rows(age > 0)
    if not len(rows):
        return
    identity = {name: values[rows] for name, values in portrait.identity.items()}
    depth = age[rows] * _pace(identity, _WRINKLING)
    tone = portrait.skin[rows].astype(np.float64)
    dark = fixed(tone * np.array([0.60, 0.48, 0.45]))
    shadow = fixed(tone * np.array([0.80, 0.71, 0.70]))
    for side in (-1.0, 1.0):
        _beside_eye(portrait, rows, side, identity, depth, dark, shadow)
        _beside_mouth(portrait, rows, side, identity, depth, dark, shadow)
    _forehead(portrait, rows, identity, depth, dark)


def _forehead(
    portrait: Portrait,
    rows: NDArray[np.intp],
    identity: dict[str, NDArray],
    depth: Doubles,
    dark: Floats,
) -> None:
    """Three arches above the brows, the upper ones later in life."""
    frame = at(portrait.pose, 0.0, -0.24).take(rows)
    with portrait.canvas.window(rows, frame.cx, frame.cy, 0.34, 0.22) as part:
        part.keep_within(portrait.bare)
        x, y = frame.local(part)
        bent = y - np.float32(0.35) * x * x
        for k, height in enumerate((0.045, -0.025, -0.09)):
            reach = fixed(0.20 - 0.03 * k)
            crease = segment(x, bent, -reach, height, reach, height, 0.0045)
            opacity = np.clip(1.5 * depth - 0.22 * k, 0, 0.85)
            part.paint(part.coverage(crease), dark, fixed(opacity) * frame.visible())


def _beside_eye(
    portrait: Portrait,
    rows: NDArray[np.intp],
    side: float,
    identity: dict[str, NDArray],
    depth: Doubles,
    dark: Floats,
    shadow: Floats,
) -> None:
    """Crow's feet, and a bag below the eye."""
    frame = at(
        portrait.pose,
        side * portrait.identity["eye_spacing"],
        portrait.identity["eye_height"] + 0.01,
    ).take(rows)
    with portrait.canvas.window(rows, frame.cx, frame.cy, 0.34, 0.28) as part:
        part.keep_within(portrait.bare)
        x, y = frame.local(part)
        x = x * np.float32(side)
        seen = frame.visible()
        size = identity["eye_size"]
        low = fixed(0.055 + 0.055 * size)
        bag = np.abs(y - column(low) + np.float32(1.6) * x * x) - np.float32(0.016)
        bag = np.maximum(bag, np.abs(x) - np.float32(0.10))
        part.paint(part.coverage(bag, 2.0), shadow, fixed(np.clip(1.3 * depth, 0, 1)) * seen)
        rim = fixed(0.075 + 0.06 * size)
        for tip_y, start_y in ((-0.045, -0.018), (0.01, 0.005), (0.06, 0.026)):
            foot = segment(x, y, rim, start_y, rim + np.float32(0.055), tip_y, 0.0045)
            part.paint(part.coverage(foot), dark, fixed(np.clip(1.3 * depth, 0, 0.85)) * seen)


def _beside_mouth(
    portrait: Portrait,
    rows: NDArray[np.intp],
    side: float,
    identity: dict[str, NDArray],
    depth: Doubles,
    dark: Floats,
    shadow: Floats,
) -> None:
    """The fold from nose to mouth, the line below the corner of the mouth, the edge of the jowl."""
    mouth_y = MOUTH_Y + portrait.identity["mouth_height"]
    frame = at(portrait.pose, 0.0, mouth_y).take(rows)
    half, nose = identity["mouth_width"], identity["nose_width"]
    middle = fixed((side * 0.5 * half).astype(np.float64))
    with portrait.canvas.window(rows, frame.cx + middle, frame.cy, 0.36, 0.36) as part:
        part.keep_within(portrait.bare)
        x, y = frame.local(part)
        x = x * np.float32(side)
        seen = frame.visible()
        top, corner = fixed(nose + 0.02), fixed(half + 0.035)
        fold = np.minimum(
            segment(x, y, top, -0.145, fixed(half + 0.012), -0.055, 0.006),
            segment(x, y, fixed(half + 0.012), -0.055, corner, 0.015, 0.005),
        )
        part.paint(part.coverage(fold, 1.3), dark, fixed(np.clip(1.3 * depth, 0, 0.9)) * seen)
        down = segment(x, y, corner, 0.045, fixed(half + 0.025), 0.115, 0.005)
        part.paint(part.coverage(down), dark, fixed(np.clip(1.6 * depth - 0.5, 0, 0.8)) * seen)
        jowl = segment(x, y, fixed(half + 0.05), 0.15, fixed(half + 0.13), 0.10, 0.016)
        part.paint(part.coverage(jowl, 2.5), shadow, fixed(np.clip(1.4 * depth - 0.2, 0, 1)) * seen)

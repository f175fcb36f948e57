"""Where the parts of a face are and how large: one truth for the painter and for the landmarks.

Patch coordinates are those of a `Frame`: x to the right of the image, y down, in head units. The patch
of an eye is mirrored for the eye at the left, so that its inner corner is at negative x on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unispace.data.studio.faces_pose import Doubles, Frame, Pose

Factors: TypeAlias = dict[str, NDArray]

SKULL_TOP = 0.98  # of the head's half height
MOUTH_Y = 0.335  # of a head of average height, like the other heights below
NOSE_Y = 0.21

# Per eye shape: height over width, share of a lens (pointed corners), cut of the upper lid, tilt.
EYE_SHAPES = {
    "almond": (0.56, 0.8, 1.0, 4.0),
    "round": (0.74, 0.1, 1.0, 0.0),
    "hooded": (0.66, 0.3, 0.3, 0.0),
    "narrow": (0.40, 0.7, 1.0, 2.0),
    "droopy": (0.62, 0.5, 0.8, -10.0),
}
# Inner end, bend and outer end of a brow, in the eye's patch, raised and turned.
BROW = ((-0.10, 0.012), (0.03, -0.018), (0.125, 0.020))
BROW_LOWERED = 0.010


def traits(names: NDArray, table: dict[str, tuple[float, ...]]) -> Doubles:
    """Columns of a table of named parameters, `(parameters, n)`."""
    return np.array([table[name] for name in names]).T


def at(pose: Pose, x: ArrayLike, y: ArrayLike, lift: float = 0.0) -> Frame:
    """The patch of the face at a point that may differ between the images."""
    return pose.on_face(x + 0 * pose.a, y + 0 * pose.a, lift)


@dataclass(frozen=True)
class Skull:
    """The ellipsoid of the upper head: centre and radii in head coordinates."""

    centre: tuple[Doubles, Doubles, Doubles]
    radii: tuple[Doubles, Doubles, Doubles]


def skull(pose: Pose) -> Skull:
    """The skulls of some heads."""
    a, b, c = pose.a, pose.b, pose.c
    return Skull((0 * a, b * (0.82 - SKULL_TOP), -0.16 * c), (a * 0.99, b * 0.82, 1.2 * c))


@dataclass(frozen=True)
class Outline:
    """The outline of a bare face, upright: before roll, scale and shift, `(n,)` each.

    Attributes:
        cheek, chin: x and y of the middle at the height of the cheeks, and of the chin.
        above: height from the cheeks to the top.
        width: half width at the cheeks.
        taper: share of the width lost at the chin.
        square: how far the jaw is from an ellipse (0) to a rounded box (1).
    """

    cheek: tuple[Doubles, Doubles]
    chin: tuple[Doubles, Doubles]
    above: Doubles
    width: Doubles
    taper: Doubles
    square: Doubles


def outline(pose: Pose, identity: Factors) -> Outline:
    """A skull ellipse joined to a jaw that narrows towards the chin."""
    none = 0 * pose.a
    return Outline(
        cheek=pose.upright((none, none + 0.10, 0.14 * pose.c)),
        chin=pose.upright((none, pose.b + identity["chin_length"], 0.5 * pose.c)),
        above=pose.b * SKULL_TOP + 0.10,
        width=pose.a * (1 - 0.03 * pose.sin_yaw * pose.sin_yaw),
        taper=identity["jaw_taper"],
        square=identity["jaw_square"],
    )


@dataclass(frozen=True)
class Nose:
    """A nose: heights of its base, half width, and its ends on the image (canvas coordinates, nearness)."""

    base_y: Doubles
    half: Doubles
    bridge: tuple[Doubles, Doubles, Doubles]
    tip: tuple[Doubles, Doubles, Doubles]
    foot: Frame  # the patch that carries the wings

    WING = (0.72, -0.015)  # of a nostril in `foot`: across in half widths, down in head units


def nose(pose: Pose, identity: Factors) -> Nose:
    """The noses of some heads."""
    none = 0 * pose.a
    length = identity["nose_length"]
    base_y = NOSE_Y + 0.6 * identity["eye_height"]
    return Nose(
        base_y=base_y,
        half=identity["nose_width"],
        bridge=pose.place((none, base_y - length, 0.97 * pose.c)),
        tip=pose.place((none, base_y, 0.97 * pose.c + 0.4 * length + 0.04)),
        foot=at(pose, 0.0, base_y + 0.03, 0.03),
    )


@dataclass(frozen=True)
class Eye:
    """One eye and its brow: sizes and angles `(n,)` in a patch of the face.

    Attributes:
        side: -1 the eye at the left of the image, 1 at the right.
        frame: the patch, not mirrored.
        opening: 0 shut .. 1 open.
        half, tall: half width and half height of the open lids.
        lens, cut: how pointed the corners are; height of the upper lid over `tall`.
        angle: of the lids in degrees, the outer corner up.
        gaze: of the iris from the middle, in the turned patch.
        brow_angle, brow_height: of the brow: turned first, then raised.
    """

    side: float
    frame: Frame
    opening: Doubles
    half: Doubles
    tall: Doubles
    lens: Doubles
    cut: Doubles
    angle: Doubles
    gaze: tuple[Doubles, Doubles]
    brow_angle: Doubles
    brow_height: Doubles


def eye(pose: Pose, identity: Factors, view: Factors, side: float) -> Eye:
    """The eyes of one side."""
    ratio, lens, cut, tilt = traits(identity["eye_shape"], EYE_SHAPES)
    opening = np.clip(view["eye_open"], 0.0, 1.0)
    half = 0.112 * (0.55 + 0.45 * identity["eye_size"])
    return Eye(
        side=side,
        frame=at(pose, side * identity["eye_spacing"], identity["eye_height"] + 0.01),
        opening=opening,
        half=half,
        tall=half * ratio * (0.10 + 0.90 * opening) * identity["eye_size"],
        lens=lens,
        cut=cut * (1 - identity["lids"]),
        angle=tilt + identity["eye_tilt"],
        gaze=(view["gaze_x"] * 0.42 * half * side, view["gaze_y"] * 0.25 * half),
        brow_angle=identity["brow_angle"],
        brow_height=identity["brow_height"] * (0.75 + 0.25 * identity["eye_size"])
        + 0.03 * view["brow_raise"],
    )


@dataclass(frozen=True)
class Mouth:
    """A mouth in its patch of the face, `(n,)` each.

    Attributes:
        frame: the patch, its origin between the lips of a closed, straight mouth.
        gap: half height of the opening.
        half: half width.
        above, below: from the line between the lips to the ends of the upper and the lower lip.
        bend: how far the smile lifts the corners.
        drop: how far an open mouth moves down.
    """

    LIFTED = 0.45  # of the bend is taken back everywhere: a smile also lowers the middle

    frame: Frame
    gap: Doubles
    half: Doubles
    above: Doubles
    below: Doubles
    bend: Doubles
    drop: Doubles


def mouth(pose: Pose, identity: Factors, view: Factors) -> Mouth:
    """The mouths of some heads."""
    gap = np.maximum(view["mouth_open"], 0) * 0.075
    full = identity["lip_fullness"]
    return Mouth(
        frame=at(pose, 0.0, MOUTH_Y + identity["mouth_height"]),
        gap=gap,
        half=identity["mouth_width"]
        * (1 + 0.14 * view["smile"])
        * (1 - 0.12 * np.maximum(view["mouth_open"], 0)),
        above=0.62 * full + gap + 0.008,
        below=full + gap + 0.006,
        bend=view["smile"] * 0.055,
        drop=0.4 * gap,
    )

"""The walking skeleton: joints in three dimensions, turned to the camera and projected.

Local frame of a picture: the ground point of the person at the origin, x to the right, y downwards,
the unit is the tallest person's height.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.studio.stage import Doubles, rounded_trig

TILT = 0.10  # cameras look slightly down: what is nearer by 1 appears lower by this much
Point = tuple[Doubles, Doubles]


@dataclass(frozen=True)
class Limb:
    """One arm or leg: three projected joints (shoulder, elbow, hand or hip, knee, ankle)."""

    root: Point
    middle: Point
    end: Point

    def only(self, chosen: NDArray[np.bool_]) -> Limb:
        """The limbs of the images in the mask."""
        rows = np.flatnonzero(chosen)
        return Limb(_only(self.root, rows), _only(self.middle, rows), _only(self.end, rows))


@dataclass(frozen=True)
class Figure:
    """Projected figure, every number one per image, `(n,)`.

    Attributes:
        facing: 1 towards the camera, -1 away.
        ahead: x component of the walking direction, in [-1, 1].
        height: top of the head above the ground.
        head: x and y of the middle of the head.
        head_radius: half height of the head.
        shoulder_y, waist_y, hip_y: levels of the torso.
        shoulder, waist, hip: half widths as projected.
        lean: x shift of the shoulders against the hips.
        arm_radius, leg_radius: half thickness of the limbs.
        far_arm, near_arm, far_leg, near_leg: limbs in painting order.
        far_toe, near_toe: tips of the shoes.
    """

    facing: Doubles
    ahead: Doubles
    height: Doubles
    head: Point
    head_radius: Doubles
    shoulder_y: Doubles
    waist_y: Doubles
    hip_y: Doubles
    shoulder: Doubles
    waist: Doubles
    hip: Doubles
    lean: Doubles
    arm_radius: Doubles
    leg_radius: Doubles
    far_arm: Limb
    near_arm: Limb
    far_leg: Limb
    near_leg: Limb
    far_toe: Point
    near_toe: Point

    def only(self, chosen: NDArray[np.bool_]) -> Figure:
        """The figures of the images in the mask `chosen`, `(n,)`."""
        rows = np.flatnonzero(chosen)
        return Figure(*(_only(getattr(self, name), rows) for name in _OF_FIGURE))


_OF_FIGURE = tuple(field.name for field in fields(Figure))


def _only(value: Any, rows: NDArray[np.intp]) -> Any:
    """Some entries of a field: numbers, a point or a limb."""
    if isinstance(value, Limb):
        return Limb(*(_only(point, rows) for point in (value.root, value.middle, value.end)))
    if isinstance(value, tuple):
        return value[0][rows], value[1][rows]
    return value[rows]


class _Camera:
    """Turns points (right of the person, up, forwards) into picture points."""

    def __init__(self, yaw: Doubles) -> None:
        self.cos, self.sin = rounded_trig(np.deg2rad(yaw))

    def see(self, across: Doubles, up: Doubles, forward: Doubles) -> Point:
        nearer = forward * self.cos - across * self.sin
        return across * self.cos + forward * self.sin, TILT * nearer - up

    def width(self, across: Doubles, deep: Doubles) -> Doubles:
        """Half width of an upright elliptic body part as projected."""
        return np.sqrt((across * self.cos) ** 2 + (deep * self.sin) ** 2)


def figure(identities: pd.DataFrame, views: pd.DataFrame) -> Figure:
    """Pose and project persons, row by row.

    Args:
        identities: rows as from `bodies.sample_identities`.
        views: as many rows as from `bodies.sample_views`.
    """
    person = {name: identities[name].to_numpy(np.float64) for name in _LENGTHS}
    yaw, phase, stride = (views[name].to_numpy(np.float64) for name in ("yaw", "phase", "stride"))
    camera = _Camera(yaw)
    height, limb = person["height"], person["limb"]
    radius = 0.073 * person["head"]
    leg = height * person["leg_share"]
    shoulder_up = height - 2 * radius - 0.012
    arm_radius, leg_radius = 0.030 * limb, 0.042 * limb
    swing = np.deg2rad(phase)
    # `across` points to the picture's right for a person who faces the camera.
    right_is_far = camera.sin > 0

    arms, legs, toes = [], [], []
    for side in (np.where(right_is_far, 1.0, -1.0), np.where(right_is_far, -1.0, 1.0)):
        turn = swing + np.where(side > 0, 0.0, np.pi)
        hip = (side * person["hip"] * 0.52, leg, np.zeros_like(leg))
        joints, toe = _leg(hip, turn, stride, leg, leg_radius)
        legs.append(Limb(*(camera.see(*joint) for joint in joints)))
        toes.append(camera.see(*toe))
        root = (
            side * (person["shoulder"] - arm_radius * 0.6),
            shoulder_up - arm_radius,
            np.zeros_like(leg),
        )
        arms.append(Limb(*(camera.see(*joint) for joint in _arm(root, side, turn, stride, height))))

    lean = 0.012 * camera.sin
    raised = identities["carried"].to_numpy() == "umbrella"
    arms[1] = _holding_up(
        arms[1], raised, lean + np.where(camera.sin >= 0, 0.08, -0.08), 0.13 - shoulder_up
    )
    return Figure(
        facing=camera.cos,
        ahead=camera.sin,
        height=height,
        head=camera.see(np.zeros_like(leg), height - radius, 0.02 * height),
        head_radius=radius,
        shoulder_y=-shoulder_up,
        waist_y=-(leg + (shoulder_up - leg) * 0.36),
        hip_y=-leg,
        shoulder=camera.width(person["shoulder"], 0.60 * person["shoulder"] + 0.01),
        waist=camera.width(person["waist"], 0.72 * person["waist"] + 0.008),
        hip=camera.width(person["hip"], 0.76 * person["hip"]),
        lean=lean,
        arm_radius=arm_radius,
        leg_radius=leg_radius,
        far_arm=arms[0],
        near_arm=arms[1],
        far_leg=legs[0],
        near_leg=legs[1],
        far_toe=toes[0],
        near_toe=toes[1],
    )


_LENGTHS = ("height", "shoulder", "hip", "waist", "limb", "leg_share", "head")
_Joint = tuple[Doubles, Doubles, Doubles]


def _leg(
    hip: _Joint, turn: Doubles, stride: Doubles, length: Doubles, radius: Doubles
) -> tuple[tuple[_Joint, _Joint, _Joint], _Joint]:
    """Joints of a leg and the tip of its shoe; the knee bends while the leg swings forwards."""
    cos_turn, sin_turn = rounded_trig(turn)
    thigh = 0.50 * stride * sin_turn
    bend = stride * (0.10 + 0.75 * np.maximum(cos_turn, 0))
    reach = (length - 0.035) / 2
    knee = _swung(hip, thigh, reach)
    ankle = _swung(knee, thigh - bend, reach)
    # The standing foot must not sink into the ground when the other leg is straight.
    ankle = (ankle[0], np.maximum(ankle[1], 0.03), ankle[2])
    toe = (ankle[0], np.maximum(ankle[1] - 0.012, 0.018), ankle[2] + 0.055 + radius * 0.4)
    return (hip, knee, ankle), toe


def _arm(
    root: _Joint, side: Doubles, turn: Doubles, stride: Doubles, height: Doubles
) -> tuple[_Joint, _Joint, _Joint]:
    """Joints of an arm, which swings against the leg of its side."""
    _, sin_turn = rounded_trig(turn)
    upper = -0.55 * stride * sin_turn
    elbow = _swung(root, upper, 0.17 * height)
    elbow = (elbow[0] + side * 0.022, elbow[1], elbow[2])
    hand = _swung(elbow, upper + 0.25 + 0.25 * stride, 0.16 * height)
    return root, elbow, (hand[0] + side * 0.004, hand[1], hand[2])


def _holding_up(arm: Limb, raised: NDArray[np.bool_], x: Doubles, y: Doubles) -> Limb:
    """The arm, or where `raised` the same arm bent with its hand at (x, y)."""
    elbow = arm.root[0] + np.where(arm.root[0] >= x, 0.03, -0.03), y + 0.05
    middle = np.where(raised, elbow[0], arm.middle[0]), np.where(raised, elbow[1], arm.middle[1])
    return Limb(
        arm.root, middle, (np.where(raised, x, arm.end[0]), np.where(raised, y, arm.end[1]))
    )


def _swung(joint: _Joint, angle: Doubles, length: Doubles) -> _Joint:
    cos, sin = rounded_trig(angle)
    return joint[0], joint[1] - length * cos, joint[2] + length * sin

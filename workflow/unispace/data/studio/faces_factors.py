"""Tables of what varies between faces and between pictures of a face, and how it is drawn.

Every factor has a generator of its own and is drawn in a single call, so that a longer table
starts with the rows of a shorter one and a new factor at the end changes none before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

HAIR_STYLES = (
    "bald", "buzz", "short", "side_part", "quiff", "fringe", "bob", "long", "curly", "afro",
    "bun", "ponytail", "mohawk", "receding", "space_buns", "wavy",
)  # fmt: skip
HAIR_COLOURS = {
    "black": (38, 33, 38), "dark_brown": (78, 52, 40), "brown": (122, 82, 54),
    "auburn": (142, 62, 42), "ginger": (208, 108, 44), "blond": (226, 182, 104),
    "platinum": (240, 226, 192), "grey": (150, 150, 156), "teal": (44, 136, 142),
    "violet": (124, 74, 152), "pink": (224, 122, 158),
}  # fmt: skip
EYE_SHAPES = ("almond", "round", "hooded", "narrow", "droopy")
EYE_COLOURS = {
    "dark": (50, 34, 28), "brown": (108, 66, 34), "hazel": (142, 108, 48),
    "green": (70, 132, 80), "blue": (60, 120, 190), "grey": (118, 138, 152),
}  # fmt: skip
BEARDS = ("none", "stubble", "moustache", "goatee", "full", "strap", "handlebar")
MARKS = ("none", "mole", "freckles", "scar", "birthmark")
GLASSES = ("none", "round", "square", "slim", "cat_eye", "aviator")
GLASSES_COLOURS = {
    "black": (32, 32, 38), "tortoise": (118, 72, 36), "red": (186, 44, 52),
    "blue": (44, 84, 162), "gold": (200, 158, 72), "white": (236, 236, 232),
}  # fmt: skip
PATTERNS = ("plain", "stripes", "checks", "dots", "clouds", "panels")
COLLARS = ("crew", "vee", "shirt", "turtleneck", "striped")
OCCLUDERS = ("none", "hand", "scarf", "mask", "sunglasses", "cap")


@dataclass(frozen=True)
class Range:
    """A number spread over [low, high]: `peak` uniform draws are averaged (1 uniform, 2 triangular).

    `neutral` is the value of an undisturbed picture; views are pulled towards it.
    """

    low: float
    high: float
    peak: int = 1
    neutral: float = 0.0

    def draw(self, rng: np.random.Generator, n: int, strength: float) -> NDArray[np.float64]:
        """`n` values, their distance from `neutral` multiplied by `strength`, within the range."""
        unit = rng.random((n, self.peak)).sum(axis=1) / self.peak
        value = self.low + (self.high - self.low) * unit
        value = self.neutral + strength * (value - self.neutral)
        return np.round(np.clip(value, self.low, self.high), 6)


@dataclass(frozen=True)
class Choice:
    """One of several names; the first is the neutral one, whose rivals `strength` makes rarer."""

    weights: Mapping[str, float]

    def draw(self, rng: np.random.Generator, n: int, strength: float) -> NDArray[np.object_]:
        """`n` names, `(n,)` objects."""
        share = np.array(list(self.weights.values())) / sum(self.weights.values())
        share[1:] *= min(strength, 1.0)
        share[0] = 1.0 - share[1:].sum()
        # The last edge stays open: rounding must not let a draw of 0.999... fall off the end.
        index = np.searchsorted(np.cumsum(share)[:-1], rng.random(n), side="right")
        return np.array(list(self.weights), dtype=object)[index]


@dataclass(frozen=True)
class Seed:
    """A whole number in [0, 2**31)."""

    def draw(self, rng: np.random.Generator, n: int, strength: float) -> NDArray[np.int64]:
        """`n` whole numbers, whatever the strength."""
        del strength
        return rng.integers(0, 2**31, size=n, dtype=np.int64)


Factor: TypeAlias = Range | Choice | Seed


def _even(names: tuple[str, ...] | Mapping[str, object]) -> Choice:
    return Choice(dict.fromkeys(names, 1.0))


def _rare(names: tuple[str, ...], first: float) -> Choice:
    """The first name with probability `first`, the others sharing the rest."""
    rest = (1 - first) / (len(names) - 1)
    return Choice({name: first if i == 0 else rest for i, name in enumerate(names)})


# Lengths are in half image sides at scale 1 (a head is about 0.84 wide), angles in degrees.
IDENTITY: dict[str, Factor] = {
    "head_width": Range(0.35, 0.47, 2),
    "head_height": Range(0.49, 0.60, 2),
    "jaw_taper": Range(0.12, 0.56),  # share of the width lost at the chin
    "jaw_square": Range(0.0, 0.9),
    "chin_length": Range(-0.03, 0.05),
    "skin_tone": Range(0.0, 1.0),  # 0 fair .. 1 deep
    "skin_warmth": Range(-1.0, 1.0),
    "hair_style": _even(HAIR_STYLES),
    "hair_colour": Choice(
        dict(zip(HAIR_COLOURS, (4, 3, 3, 2, 2, 3, 1.5, 1.5, 0.8, 0.8, 0.8), strict=True))
    ),
    "hair_shade": Range(-1.0, 1.0),
    "hair_volume": Range(0.75, 1.3),
    "hair_side": _even(("left", "right")),
    "hairline": Range(-0.12, 0.10),  # positive: lower on the forehead
    "eye_spacing": Range(0.145, 0.215, 2),  # from the middle of the face to an eye
    "eye_height": Range(-0.05, 0.05),
    "eye_size": Range(0.75, 1.25),
    "eye_shape": _even(EYE_SHAPES),
    "eye_tilt": Range(-10.0, 10.0, 2),
    "eye_colour": _even(EYE_COLOURS),
    "lashes": Range(0.0, 1.0),
    "brow_thickness": Range(0.010, 0.036),
    "brow_angle": Range(-14.0, 10.0),
    "brow_height": Range(0.115, 0.175),
    "nose_length": Range(0.15, 0.25),
    "nose_width": Range(0.045, 0.105),
    "mouth_width": Range(0.10, 0.185),
    "mouth_height": Range(-0.03, 0.04),
    "lip_fullness": Range(0.018, 0.055),
    "lip_colour": Range(0.0, 1.0),  # 0 skin-like .. 1 red
    "ear_size": Range(0.075, 0.125),
    "ear_tilt": Range(-0.3, 0.5),  # how far the ears stand out
    "beard": _rare(BEARDS, 0.66),
    "mark": _rare(MARKS, 0.5),
    "mark_x": Range(-0.27, 0.27),
    "mark_y": Range(0.14, 0.36),
    "mark_size": Range(0.022, 0.042),
    "blush": Range(0.0, 0.6),
    "glasses": _rare(GLASSES, 0.7),
    "glasses_colour": _even(GLASSES_COLOURS),
}

VIEW: dict[str, Factor] = {
    "yaw": Range(-45.0, 45.0, 2),  # positive: turned to the right of the image
    "pitch": Range(-20.0, 20.0, 2),  # positive: looking down
    "roll": Range(-18.0, 18.0, 2),  # positive: clockwise
    "scale": Range(0.82, 1.12, 1, 1.0),
    # As far as a face can go within the picture: else a linear layer on its pixels would know it by places.
    "shift_x": Range(-0.40, 0.40),
    "shift_y": Range(-0.30, 0.30),
    "smile": Range(-0.4, 1.4, 1, 0.5),
    "mouth_open": Range(-0.9, 1.0, 1),  # up to 0: closed
    "brow_raise": Range(-1.0, 1.0, 2),
    "eye_open": Range(-0.1, 3.0, 1, 1.0),  # 0 shut, 1 and above open
    "gaze_x": Range(-1.0, 1.0, 2),
    "gaze_y": Range(-0.7, 0.7, 2),
    "light_azimuth": Range(-70.0, 70.0, 1),  # positive: from the right of the image
    "light_elevation": Range(-5.0, 65.0, 1, 30.0),
    "light_contrast": Range(0.15, 0.62, 1, 0.35),  # share of the light that has a direction
    "light_level": Range(0.72, 1.12, 1, 1.0),
    "light_warmth": Range(-1.0, 1.0, 2),
    "background_hue": Range(0.0, 1.0, 1, 0.6),
    "background_saturation": Range(0.0, 0.6, 1, 0.1),
    "background_value": Range(0.25, 0.98, 1, 0.8),
    "background_turn": Range(-0.25, 0.25, 1),  # hue of the second colour, from the first
    "background_step": Range(-0.35, 0.35, 1),  # brightness of the second colour, from the first
    "background_angle": Range(0.0, 360.0, 1),
    "pattern": _rare(PATTERNS, 0.3),
    "pattern_scale": Range(0.14, 0.45, 1, 0.3),
    "pattern_seed": Seed(),
    "clothing_hue": Range(0.0, 1.0, 1, 0.6),
    "clothing_saturation": Range(0.05, 0.75, 1, 0.4),
    "clothing_value": Range(0.18, 0.95, 1, 0.5),
    "collar": _even(COLLARS),
    "occluder": _rare(OCCLUDERS, 0.86),
    "occluder_side": _even(("left", "right")),
    "occluder_hue": Range(0.0, 1.0, 1, 0.6),
    "noise": Range(0.0, 0.02, 1),  # amplitude, of a full scale of 1
    "noise_seed": Seed(),
}

# Since enrolment; drawn after the views, and by a strength of its own. 1 is some forty years.
AGE = Range(0.0, 1.0)

# What a sibling may differ in completely: visible, yet not what gives the head its shape.
SIBLING_CHANGES: tuple[str, ...] = (
    "hair_colour", "eye_colour", "eye_shape", "brow_thickness", "brow_angle", "nose_length",
    "nose_width", "mouth_width", "lip_fullness", "lip_colour", "jaw_taper", "beard", "mark",
    "eye_spacing",
)  # fmt: skip
SIBLING_CHANGED = 4  # factors redrawn
SIBLING_SPREAD = 0.25  # how far the other numbers move towards an unrelated identity


def draw_table(
    factors: Mapping[str, Factor], rng: np.random.Generator, n: int, strength: float
) -> pd.DataFrame:
    """`n` rows, one column per factor, each from its own child of `rng`."""
    children = rng.spawn(len(factors))
    return pd.DataFrame(
        {
            name: factor.draw(child, n, strength)
            for (name, factor), child in zip(factors.items(), children, strict=True)
        }
    )


def add_siblings(table: pd.DataFrame, rng: np.random.Generator, fraction: float) -> pd.DataFrame:
    """Turn a share of the rows into near-copies of the row before them.

    Runs of siblings form one family around its first member, so that they do not drift away.

    Args:
        table: unrelated identities, `(n, factors)`.
        rng: decides who is a sibling and which factors are redrawn.
        fraction: expected share of siblings, in [0, 1]; the first row never is one.

    Returns:
        The table with a last column `family`, the row number of the family's first member.
    """
    n = len(table)
    who, what = rng.spawn(2)
    sibling = who.random(n) < fraction
    sibling[0] = False
    family = np.maximum.accumulate(np.where(sibling, 0, np.arange(n)))
    rank = what.random((n, len(SIBLING_CHANGES))).argsort(axis=1).argsort(axis=1)
    redrawn: dict[str, NDArray[np.bool_]] = dict(
        zip(SIBLING_CHANGES, (rank < SIBLING_CHANGED).T, strict=True)
    )
    columns: dict[str, NDArray[np.generic]] = {}
    for name, factor in IDENTITY.items():
        own = table[name].to_numpy()
        parent = own[family]
        near = parent
        if isinstance(factor, Range):
            near = np.round(parent + SIBLING_SPREAD * (own - parent), 6)
        keep = ~sibling | redrawn.get(name, np.zeros(n, bool))
        columns[name] = np.where(keep, own, near)
    return pd.DataFrame({**columns, "family": family})

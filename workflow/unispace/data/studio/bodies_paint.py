"""Painting a posed person from back to front: clothes and limbs.

Heads are in `bodies_head`, what a person carries in `bodies_carried`, joints in `bodies_shape`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from unispace.data.studio.bodies_carried import (
    paint_above,
    paint_behind,
    paint_beside,
    paint_on_torso,
)
from unispace.data.studio.bodies_head import paint_hat, paint_head, paint_long_hair
from unispace.data.studio.bodies_outfit import Outfit, outfits, patterned
from unispace.data.studio.bodies_shape import Figure, Limb, Point
from unispace.data.studio.canvas import Floats, column
from unispace.data.studio.pen import Patch, Pen
from unispace.data.studio.stage import Doubles, Stage
from unispace.data.studio.swatches import mix, shaded
from unispace.data.studio.wardrobe import (
    BOTTOMS,
    PATTERNS,
)

FAR = 0.78  # limbs on the far side are this much darker, which sets them off from the torso


def paint_person(stage: Stage, fig: Figure, identities: pd.DataFrame, views: pd.DataFrame) -> None:
    """Paint one person on each image of a stage."""
    look = outfits(identities)
    pen = Pen(
        stage,
        np.arange(stage.n),
        x=views["shift_x"].to_numpy(np.float64),
        y=0.92 + views["shift_y"].to_numpy(np.float64),
        scale=1.86 * views["scale"].to_numpy(np.float64),
        outline=0.016,
    )
    on_right = views["mirror_hand"].to_numpy(np.bool_)
    pen.ellipse(0.0, 0.0, fig.hip + 0.12, 0.028, (0.0, 0.0, 0.0), opacity=0.28, outlined=False)
    paint_behind(pen, fig, look)
    paint_long_hair(pen, fig, look, behind=True)
    _hood(pen, fig, look, behind=True)
    _arm(pen, fig, look, fig.far_arm, FAR)
    _leg(pen, fig, look, fig.far_leg, fig.far_toe, FAR)
    _leg(pen, fig, look, fig.near_leg, fig.near_toe, 1.0)
    _skirt(pen, fig, look)
    _torso(pen, fig, look)
    _hood(pen, fig, look, behind=False)
    paint_on_torso(pen, fig, look, on_right)
    paint_head(pen, fig, look)
    paint_long_hair(pen, fig, look, behind=False)
    paint_hat(pen, fig, look)
    paint_beside(pen, fig, look, on_right)
    _arm(pen, fig, look, fig.near_arm, 1.0)
    paint_above(pen, fig, look)


def column_shape(
    patch: Patch, centre: ArrayLike, knots: Sequence[tuple[ArrayLike, ArrayLike]]
) -> Floats:
    """Signed distance to an upright shape with a half width that is linear between levels.

    Args:
        patch: where.
        centre: x of the middle.
        knots: (level, half width) from top to bottom; the shape ends at the outer levels.
    """
    width = column(knots[0][1])
    for (y0, w0), (y1, w1) in pairwise(knots):
        share = np.clip((patch.v - column(y0)) * column(1 / np.subtract(y1, y0)), 0, 1)
        width = width + share * column(np.subtract(w1, w0))
    across = np.abs(patch.u - column(centre)) - width
    along = np.maximum(patch.v - column(knots[-1][0]), column(knots[0][0]) - patch.v)
    return np.maximum(across, along)


def _column_patch(
    pen: Pen, centre: ArrayLike, knots: Sequence[tuple[ArrayLike, ArrayLike]]
) -> Patch:
    reach = np.max(np.stack(np.broadcast_arrays(*(w for _, w in knots))), axis=0)
    top, bottom = np.asarray(knots[0][0]), np.asarray(knots[-1][0])
    return pen.patch(centre, (top + bottom) / 2, reach, (bottom - top) / 2)


def _paint_top(
    pen: Pen, fig: Figure, look: Outfit, knots: Sequence[tuple[ArrayLike, ArrayLike]]
) -> None:
    """Paint a garment of the upper body with its pattern."""
    if not pen.n:
        return
    patch = _column_patch(pen, fig.lean, knots)
    cloth = patterned(look, fig, patch)
    pen.fill(patch, column_shape(patch, fig.lean, knots), cloth)


def _torso(pen: Pen, fig: Figure, look: Outfit) -> None:
    """The upper garment with its details."""
    pen.line(
        [(fig.head[0], fig.head[1]), (fig.lean, fig.shoulder_y)],
        fig.head_radius * 0.42,
        shaded(look.skin, 0.9),
    )
    coat, dress = look.wears("coat"), look.wears("dress")
    knee_y = fig.hip_y * 0.5
    loose = np.where(look.wears("hoodie", "coat", "jacket"), 0.014, 0.0)
    hem = np.where(coat, knee_y * 1.05, np.where(dress, knee_y, fig.hip_y + 0.035))
    hem_width = np.where(coat, fig.hip * 1.12, np.where(dress, fig.hip * 1.55, fig.hip)) + loose
    knots = [
        (fig.shoulder_y - 0.016, fig.shoulder * 0.45),
        (fig.shoulder_y + 0.004, fig.shoulder * 0.86),
        (fig.shoulder_y + 0.035, fig.shoulder + loose * 0.5),
        (fig.waist_y, fig.waist + loose),
        (fig.hip_y, fig.hip + loose),
        (hem, hem_width),
    ]
    _paint_top(pen, fig, look, knots)
    _front_details(pen, fig, look, hem)


def _front_details(pen: Pen, fig: Figure, look: Outfit, hem: Doubles) -> None:
    """Collars, openings, logos: visible from the front, narrower when seen aslant."""
    width = np.maximum(fig.facing, 0.0)
    centre = fig.lean + fig.ahead * fig.waist * 0.8
    seen = fig.facing > 0.25

    low = seen & look.wears("tank", "dress", "tshirt")
    part, f, lk = pen.only(low), fig.only(low), look.only(low)
    part.ellipse(
        f.lean + f.ahead * 0.02,
        f.shoulder_y - 0.012,
        f.head_radius * 0.6,
        0.032,
        lk.skin,
        outlined=False,
    )

    opened = seen & look.wears("jacket")
    part, f, lk, w, c = (
        pen.only(opened),
        fig.only(opened),
        look.only(opened),
        width[opened],
        centre[opened],
    )
    neck = 0.045 * w + 0.004
    part.polygon(
        [(c - neck, f.shoulder_y - 0.014), (c + neck, f.shoulder_y - 0.014), (c, f.waist_y + 0.02)],
        mix(lk.top_second, (1.0, 1.0, 1.0), 0.35),
    )

    closed = seen & look.wears("coat", "hoodie")
    part, f, lk, c = pen.only(closed), fig.only(closed), look.only(closed), centre[closed]
    part.line(
        [(c, f.shoulder_y + 0.01), (c, hem[closed] - 0.01)],
        0.008,
        shaded(lk.top_colour, 0.55),
        outlined=False,
    )

    printed = (fig.facing > 0.3) & (look.pattern == PATTERNS.index("logo"))
    part, f, lk, w, c = (
        pen.only(printed),
        fig.only(printed),
        look.only(printed),
        width[printed],
        centre[printed],
    )
    part.ellipse(c, f.shoulder_y + 0.1, 0.052 * w, 0.05, lk.top_second, outlined=False)


def _hood(pen: Pen, fig: Figure, look: Outfit, behind: bool) -> None:
    """A hood lies on the back: a rim behind the neck from the front, a pouch from behind."""
    chosen = look.wears("hoodie") & ((fig.facing >= -0.2) == behind)
    part, f, lk = pen.only(chosen), fig.only(chosen), look.only(chosen)
    x = f.lean - f.ahead * f.shoulder * 0.75
    y = f.shoulder_y + np.where(f.facing >= -0.2, -0.012, 0.03)
    part.ellipse(x, y, f.head_radius * 1.15, 0.05, shaded(lk.top_colour, 0.8))


def _arm(pen: Pen, fig: Figure, look: Outfit, limb: Limb, tone: float) -> None:
    """An arm with its sleeve and hand."""
    r = fig.arm_radius
    joints: list[Point] = [limb.root, limb.middle, limb.end]
    sleeved = ~look.wears("tshirt", "tank", "dress")
    cloth = _sleeve_colour(look)
    pen.ellipse(limb.end[0], limb.end[1], r * 1.05, r * 1.15, shaded(look.skin, tone))
    thick = r * np.where(look.wears("coat", "hoodie", "jacket"), 1.25, 1.0)
    pen.line(joints, thick, shaded(np.where(sleeved[:, None], cloth, look.skin), tone))
    short = look.wears("tshirt", "dress")
    part, f = pen.only(short), fig.only(short)
    arm = limb.only(short)
    mid = tuple(a + 0.62 * (b - a) for a, b in zip(arm.root, arm.middle, strict=True))
    part.line([arm.root, (mid[0], mid[1])], f.arm_radius * 1.25, shaded(cloth[short], tone))


def _sleeve_colour(look: Outfit) -> Floats:
    """Sleeves of patterned tops lie between both colours; printed and plain ones keep the first."""
    spread = {"stripes": 0.4, "pinstripes": 0.3, "checks": 0.5, "dots": 0.12}
    share = np.zeros(len(look.top))
    for name, value in spread.items():
        share[look.pattern == PATTERNS.index(name)] = value
    return mix(look.top_colour, look.top_second, share)


def _leg(pen: Pen, fig: Figure, look: Outfit, limb: Limb, toe: Point, tone: float) -> None:
    """A leg, bare or in trousers, with its shoe."""
    r = fig.leg_radius
    bare = look.wears("dress") | (look.bottom != BOTTOMS.index("trousers"))
    pen.line([limb.end, toe], 0.023, shaded(look.shoe_colour, tone))
    pen.line(
        [limb.root, limb.middle, limb.end],
        r * np.where(bare, 0.8, 1.0),
        shaded(np.where(bare[:, None], look.skin, look.bottom_colour), tone),
    )
    shorts = (look.bottom == BOTTOMS.index("shorts")) & ~look.wears("dress")
    part, f, lk, leg = pen.only(shorts), fig.only(shorts), look.only(shorts), limb.only(shorts)
    part.line(
        [leg.root, _between(leg.root, leg.middle, 0.85)],
        f.leg_radius * 1.25,
        shaded(lk.bottom_colour, tone),
    )


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])


def _skirt(pen: Pen, fig: Figure, look: Outfit) -> None:
    """The hip part of trousers and shorts, or a skirt down to the knees."""
    dressed = ~look.wears("dress")
    part, f, lk = pen.only(dressed), fig.only(dressed), look.only(dressed)
    if not part.n:
        return
    flared = lk.bottom == BOTTOMS.index("skirt")
    hem = np.where(flared, f.hip_y * 0.56, f.hip_y + 0.075)
    width = np.where(flared, f.hip * 1.35 + 0.01, f.hip * 0.98)
    knots = [(f.waist_y, f.waist), (f.hip_y, f.hip), (hem, width)]
    patch = _column_patch(part, np.zeros(part.n), knots)
    part.fill(patch, column_shape(patch, np.zeros(part.n), knots), lk.bottom_colour)

"""Painting a posed person from back to front: clothes, limbs, head, hair, hat.

What a person carries is in `bodies_carried`; the joints come from `bodies_shape`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from unispace.data.studio import canvas
from unispace.data.studio.bodies_carried import paint_above, paint_behind, paint_beside, paint_on_torso
from unispace.data.studio.bodies_shape import Figure, Limb, Point
from unispace.data.studio.canvas import Floats, column
from unispace.data.studio.pen import Doubles, Patch, Pen, Stage, moved
from unispace.data.studio.swatches import codes, mix, shaded, tinted
from unispace.data.studio.wardrobe import (
    BOTTOMS,
    HAIR_COLOURS,
    HAIR_STYLES,
    HATS,
    PATTERNS,
    TOPS,
    skin_colour,
)

FAR = 0.78  # limbs on the far side are this much darker, which sets them off from the torso
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Outfit:
    """Looks resolved to codes and colours, one per image: codes `(n,)`, colours `(n, 3)`."""

    skin: Floats
    hair: NDArray[np.intp]
    hair_colour: Floats
    hat: NDArray[np.intp]
    hat_colour: Floats
    top: NDArray[np.intp]
    top_colour: Floats
    top_second: Floats
    pattern: NDArray[np.intp]
    pattern_scale: Doubles
    bottom: NDArray[np.intp]
    bottom_colour: Floats
    shoe_colour: Floats
    beard: Mask

    def only(self, chosen: Mask) -> Outfit:
        """The outfits of the images in the mask `chosen`, `(n,)`."""
        return Outfit(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def wears(self, *tops: str) -> Mask:
        """Which persons wear one of the tops."""
        return np.isin(self.top, [TOPS.index(top) for top in tops])


def outfits(identities: pd.DataFrame) -> Outfit:
    """Resolve the names of a table of identities."""
    level = np.zeros(len(identities))
    hair_table = np.asarray(list(HAIR_COLOURS.values()), np.float32)
    return Outfit(
        skin=skin_colour(identities["skin"].to_numpy(np.float64)),
        hair=codes(identities["hair"], HAIR_STYLES),
        hair_colour=hair_table[codes(identities["hair_colour"], tuple(HAIR_COLOURS))],
        hat=codes(identities["hat"], HATS),
        hat_colour=tinted(identities["hat_colour"], level),
        top=codes(identities["top"], TOPS),
        top_colour=tinted(identities["top_colour"], identities["top_tone"]),
        top_second=tinted(identities["top_second"], level),
        pattern=codes(identities["pattern"], PATTERNS),
        pattern_scale=identities["pattern_scale"].to_numpy(np.float64),
        bottom=codes(identities["bottom"], BOTTOMS),
        bottom_colour=tinted(identities["bottom_colour"], identities["bottom_tone"]),
        shoe_colour=tinted(identities["shoe_colour"], level),
        beard=identities["beard"].to_numpy(np.bool_),
    )


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
    paint_behind(pen, fig, identities)
    _long_hair(pen, fig, look, behind=True)
    _hood(pen, fig, look, behind=True)
    _arm(pen, fig, look, fig.far_arm, FAR)
    _leg(pen, fig, look, fig.far_leg, fig.far_toe, FAR)
    _leg(pen, fig, look, fig.near_leg, fig.near_toe, 1.0)
    _skirt(pen, fig, look)
    _torso(pen, fig, look)
    _hood(pen, fig, look, behind=False)
    paint_on_torso(pen, fig, identities, on_right)
    _head(pen, fig, look)
    _long_hair(pen, fig, look, behind=False)
    _hat(pen, fig, look)
    paint_beside(pen, fig, identities, on_right)
    _arm(pen, fig, look, fig.near_arm, 1.0)
    paint_above(pen, fig, identities)


def column_shape(patch: Patch, centre: ArrayLike, knots: Sequence[tuple[ArrayLike, ArrayLike]]) -> Floats:
    """Signed distance to an upright shape with a half width that is linear between levels.

    Args:
        patch: where.
        centre: x of the middle.
        knots: (level, half width) from top to bottom; the shape ends at the outer levels.
    """
    width = column(knots[0][1])
    for (y0, w0), (y1, w1) in zip(knots[:-1], knots[1:], strict=True):
        share = np.clip((patch.v - column(y0)) * column(1 / np.subtract(y1, y0)), 0, 1)
        width = width + share * column(np.subtract(w1, w0))
    across = np.abs(patch.u - column(centre)) - width
    along = np.maximum(patch.v - column(knots[-1][0]), column(knots[0][0]) - patch.v)
    return np.maximum(across, along)


def _column_patch(pen: Pen, centre: ArrayLike, knots: Sequence[tuple[ArrayLike, ArrayLike]]) -> Patch:
    reach = np.max(np.stack(np.broadcast_arrays(*(w for _, w in knots))), axis=0)
    top, bottom = np.asarray(knots[0][0]), np.asarray(knots[-1][0])
    return pen.patch(centre, (top + bottom) / 2, reach, (bottom - top) / 2)


def _paint_top(pen: Pen, fig: Figure, look: Outfit, knots: Sequence[tuple[ArrayLike, ArrayLike]]) -> None:
    """Paint a garment of the upper body with its pattern."""
    if not pen.n:
        return
    patch = _column_patch(pen, fig.lean, knots)
    cloth = _patterned(look, fig, patch)
    pen.fill(patch, column_shape(patch, fig.lean, knots), cloth)


def _patterned(look: Outfit, fig: Figure, patch: Patch) -> Floats:
    """Cloth colours `(n, 3, h, w)` over a patch, in coordinates fixed to the chest."""
    shape = (len(look.top), patch.height, patch.width)
    u = np.broadcast_to(patch.u - column(fig.lean), shape)
    v = np.broadcast_to(patch.v - column(fig.shoulder_y), shape)
    share = np.zeros(shape, np.float32)
    for name, pattern in _PATTERN_SHARES.items():
        chosen = look.pattern == PATTERNS.index(name)
        if chosen.any():
            unit = column(1 / look.pattern_scale[chosen])
            share[chosen] = pattern(u[chosen] * unit, v[chosen] * unit)
    main, second = look.top_colour[:, :, None, None], look.top_second[:, :, None, None]
    return main + share[:, None] * (second - main)


def _wave(position: Floats, period: float) -> Floats:
    """A triangle wave in [0, 1], 1 at multiples of the period."""
    turns = position * np.float32(1 / period)
    return np.abs(turns - np.floor(turns) - np.float32(0.5)) * 2


def _steep(value: Floats, threshold: float, sharpness: float) -> Floats:
    return np.clip((value - np.float32(threshold)) * np.float32(sharpness) + np.float32(0.5), 0, 1)


def _dots(u: Floats, v: Floats) -> Floats:
    a, b = 1 - _wave(u, 0.075), 1 - _wave(v, 0.075)
    return _steep(1 - np.sqrt(a * a + b * b), 0.4, 4)


def _checks(u: Floats, v: Floats) -> Floats:
    a, b = _steep(_wave(u, 0.1), 0.5, 4), _steep(_wave(v, 0.1), 0.5, 4)
    return a * (1 - b) + b * (1 - a)


_PATTERN_SHARES = {
    "stripes": lambda u, v: _steep(_wave(v, 0.092), 0.55, 5),
    "pinstripes": lambda u, v: _steep(_wave(u, 0.07), 0.62, 5),
    "checks": _checks,
    "dots": _dots,
    "block": lambda u, v: _steep(v, 0.15, 60),
}


def _torso(pen: Pen, fig: Figure, look: Outfit) -> None:
    """The upper garment with its details."""
    pen.line(
        [(fig.head[0], fig.head[1]), (fig.lean, fig.shoulder_y)], fig.head_radius * 0.42, shaded(look.skin, 0.9)
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
        f.lean + f.ahead * 0.02, f.shoulder_y - 0.012, f.head_radius * 0.6, 0.032, lk.skin, outlined=False
    )

    opened = seen & look.wears("jacket")
    part, f, lk, w, c = pen.only(opened), fig.only(opened), look.only(opened), width[opened], centre[opened]
    neck = 0.045 * w + 0.004
    part.polygon(
        [(c - neck, f.shoulder_y - 0.014), (c + neck, f.shoulder_y - 0.014), (c, f.waist_y + 0.02)],
        mix(lk.top_second, (1.0, 1.0, 1.0), 0.35),
    )

    closed = seen & look.wears("coat", "hoodie")
    part, f, lk, c = pen.only(closed), fig.only(closed), look.only(closed), centre[closed]
    part.line([(c, f.shoulder_y + 0.01), (c, hem[closed] - 0.01)], 0.008, shaded(lk.top_colour, 0.55), outlined=False)

    printed = (fig.facing > 0.3) & (look.pattern == PATTERNS.index("logo"))
    part, f, lk, w, c = pen.only(printed), fig.only(printed), look.only(printed), width[printed], centre[printed]
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
    part.line([leg.root, _between(leg.root, leg.middle, 0.85)], f.leg_radius * 1.25, shaded(lk.bottom_colour, tone))


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


def _head(pen: Pen, fig: Figure, look: Outfit) -> None:
    """Head, short hair and face."""
    (x, y), r = fig.head, fig.head_radius
    pen.ellipse(x, y, r * 0.86, r, look.skin)
    styled = look.hair != HAIR_STYLES.index("bald")
    part, f, lk = pen.only(styled), fig.only(styled), look.only(styled)
    (hx, hy), hr = f.head, f.head_radius
    afro = lk.hair == HAIR_STYLES.index("afro")
    volume = np.where(afro, 1.42, 1.06)
    part.ellipse(
        hx - f.ahead * hr * 0.16, hy - hr * np.where(afro, 0.28, 0.14), hr * volume * 0.92, hr * volume, lk.hair_colour
    )
    _bun(part, f, lk)

    visible = fig.facing > -0.62
    part, f, lk = pen.only(visible), fig.only(visible), look.only(visible)
    if part.n:
        _face(part, f, lk)


def _bun(pen: Pen, fig: Figure, look: Outfit) -> None:
    chosen = look.hair == HAIR_STYLES.index("bun")
    part, f, lk = pen.only(chosen), fig.only(chosen), look.only(chosen)
    (x, y), r = f.head, f.head_radius
    part.ellipse(x - f.ahead * r * 0.5, y - r * 1.18, r * 0.5, r * 0.45, lk.hair_colour)


def _face(pen: Pen, fig: Figure, look: Outfit) -> None:
    """The bare part of the face, cut off at the outline of the head, with eyes and mouth or beard."""
    (x, y), r, ahead, facing = fig.head, fig.head_radius, fig.ahead, fig.facing
    slide = ahead * r * (0.42 - 0.45 * np.minimum(facing, 0))
    patch = pen.patch(x, y, r * 0.9, r)
    u, v = moved(patch, x + slide, y + r * 0.22)
    width = r * (0.60 + 0.12 * np.abs(facing))
    head_u, head_v = moved(patch, x, y)
    skull = canvas.ellipse(head_u, head_v, r * 0.86, r)
    face = np.maximum(canvas.ellipse(u, v, width, r * 0.80), skull)
    pen.fill(patch, face, look.skin, outlined=False)

    bearded = look.beard
    if bearded.any():
        part, lk = pen.only(bearded), look.only(bearded)
        hair = np.maximum(face, column(r * 0.12) - v)[bearded]
        part.fill(_rows(patch, bearded), hair, lk.hair_colour, outlined=False)

    for side in (-1.0, 1.0):
        # Eyes sit on a sphere 0.37 radii off the middle; one passes behind the edge in profile.
        across = side * 0.36 * facing + 0.75 * ahead
        depth = 0.75 * facing - side * 0.36 * ahead
        opacity = np.clip(depth * 4 + 0.6, 0, 1)
        pen.ellipse(x + across * r, y + r * 0.02, r * 0.13, r * 0.17, (0.08, 0.06, 0.06), 0, opacity, False)
    mouth = np.clip(facing * 3 + 0.6, 0, 1) * np.where(bearded, 0.0, 1.0)
    pen.ellipse(
        x + 0.72 * ahead * r, y + r * 0.55, r * 0.26, r * 0.09, mix(look.skin, (0.6, 0.1, 0.1), 0.6), 0, mouth, False
    )


def _rows(patch: Patch, chosen: Mask) -> Patch:
    """The part of a patch that belongs to the images in the mask."""
    u, v, shade = (a if a.shape[0] == 1 else a[chosen] for a in (patch.u, patch.v, patch.shade))
    return Patch(u, v, patch.left[chosen], patch.top[chosen], patch.height, patch.width, shade)


def _long_hair(pen: Pen, fig: Figure, look: Outfit, behind: bool) -> None:
    """Hair that hangs: behind the body when the person faces the camera, in front when not."""
    for name, length, width in (("bob", 0.045, 1.05), ("long", 0.15, 1.12), ("ponytail", 0.13, 0.36)):
        chosen = (look.hair == HAIR_STYLES.index(name)) & ((fig.facing > -0.15) == behind)
        part, f, lk = pen.only(chosen), fig.only(chosen), look.only(chosen)
        (x, y), r = f.head, f.head_radius
        back = r * (0.95 if name == "ponytail" else 0.38)
        top, bottom = y - r * 0.2, y + r * 0.55 + length
        half = r * width * 0.86
        part.line([(x - f.ahead * back * 0.8, top + half), (x - f.ahead * back, bottom - half)], half, lk.hair_colour)


def _hat(pen: Pen, fig: Figure, look: Outfit) -> None:
    """Caps have a peak forwards, beanies a rim, brimmed hats a brim all around."""
    for name in HATS[1:]:
        chosen = look.hat == HATS.index(name)
        part, f, lk = pen.only(chosen), fig.only(chosen), look.only(chosen)
        if not part.n:
            continue
        (x, y), r = f.head, f.head_radius
        patch = part.patch(x, y - r * 0.5, r * 1.2, r * 0.9)
        u, v = moved(patch, x, y)
        crown = canvas.ellipse(u, v, r * 1.08, r * (1.3 if name == "beanie" else 1.18))
        part.fill(patch, np.maximum(crown, v + column(r * 0.28)), lk.hat_colour)
        dark = shaded(lk.hat_colour, 0.72)
        if name == "cap":
            part.ellipse(x + f.ahead * r * 1.0, y - r * 0.3, r * 0.75, r * 0.17, dark, 0, np.where(f.facing > -0.5, 1, 0))
        elif name == "beanie":
            part.box(x, y - r * 0.36, r * 1.08, r * 0.2, dark, r * 0.15)
        else:
            part.ellipse(x, y - r * 0.34, r * 1.8, r * 0.24, dark)

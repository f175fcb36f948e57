"""Painting heads: hair, face, hat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unispace.data.studio.bodies_outfit import Outfit
from unispace.data.studio.bodies_shape import Figure
from unispace.data.studio.canvas import column
from unispace.data.studio.pen import Patch, Pen, moved, oval
from unispace.data.studio.swatches import mix, shaded
from unispace.data.studio.wardrobe import (
    HAIR_STYLES,
    HATS,
)

Mask = NDArray[np.bool_]


def paint_head(pen: Pen, fig: Figure, look: Outfit) -> None:
    """Head, short hair and face."""
    (x, y), r = fig.head, fig.head_radius
    pen.ellipse(x, y, r * 0.86, r, look.skin)
    styled = look.hair != HAIR_STYLES.index("bald")
    part, f, lk = pen.only(styled), fig.only(styled), look.only(styled)
    (hx, hy), hr = f.head, f.head_radius
    afro = lk.hair == HAIR_STYLES.index("afro")
    volume = np.where(afro, 1.42, 1.06)
    part.ellipse(
        hx - f.ahead * hr * 0.16,
        hy - hr * np.where(afro, 0.28, 0.14),
        hr * volume * 0.92,
        hr * volume,
        lk.hair_colour,
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
    skull = oval(head_u, head_v, r * 0.86, r)
    face = np.maximum(oval(u, v, width, r * 0.80), skull)
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
        pen.ellipse(
            x + across * r, y + r * 0.02, r * 0.13, r * 0.17, (0.08, 0.06, 0.06), 0, opacity, False
        )
    mouth = np.clip(facing * 3 + 0.6, 0, 1) * np.where(bearded, 0.0, 1.0)
    pen.ellipse(
        x + 0.72 * ahead * r,
        y + r * 0.55,
        r * 0.26,
        r * 0.09,
        mix(look.skin, (0.6, 0.1, 0.1), 0.6),
        0,
        mouth,
        False,
    )


def _rows(patch: Patch, chosen: Mask) -> Patch:
    """The part of a patch that belongs to the images in the mask."""
    u, v, shade = (a if a.shape[0] == 1 else a[chosen] for a in (patch.u, patch.v, patch.shade))
    return Patch(u, v, patch.left[chosen], patch.top[chosen], patch.height, patch.width, shade)


def paint_long_hair(pen: Pen, fig: Figure, look: Outfit, behind: bool) -> None:
    """Hair that hangs: behind the body when the person faces the camera, in front when not."""
    for name, length, width in (
        ("bob", 0.05, 1.4),
        ("long", 0.15, 1.45),
        ("ponytail", 0.13, 0.36),
    ):
        chosen = (look.hair == HAIR_STYLES.index(name)) & ((fig.facing > -0.15) == behind)
        part, f, lk = pen.only(chosen), fig.only(chosen), look.only(chosen)
        (x, y), r = f.head, f.head_radius
        back = r * (0.95 if name == "ponytail" else 0.38)
        top, bottom = y - r * 0.2, y + r * 0.55 + length
        half = r * width * 0.86
        part.line(
            [(x - f.ahead * back * 0.8, top + half), (x - f.ahead * back, bottom - half)],
            half,
            lk.hair_colour,
        )


def paint_hat(pen: Pen, fig: Figure, look: Outfit) -> None:
    """Caps have a peak forwards, beanies a rim, brimmed hats a brim all around."""
    for name in HATS[1:]:
        chosen = look.hat == HATS.index(name)
        part, f, lk = pen.only(chosen), fig.only(chosen), look.only(chosen)
        if not part.n:
            continue
        (x, y), r = f.head, f.head_radius
        patch = part.patch(x, y - r * 0.5, r * 1.2, r * 0.9)
        u, v = moved(patch, x, y)
        crown = oval(u, v, r * 1.08, r * (1.3 if name == "beanie" else 1.18))
        part.fill(patch, np.maximum(crown, v + column(r * 0.28)), lk.hat_colour)
        dark = shaded(lk.hat_colour, 0.72)
        if name == "cap":
            part.ellipse(
                x + f.ahead * r * 1.0,
                y - r * 0.3,
                r * 0.75,
                r * 0.17,
                dark,
                0,
                np.where(f.facing > -0.5, 1, 0),
            )
        elif name == "beanie":
            part.box(x, y - r * 0.36, r * 1.08, r * 0.2, dark, r * 0.15)
        else:
            part.ellipse(x, y - r * 0.34, r * 1.8, r * 0.24, dark)

"""Painters of buildings, furniture, tools and devices. Local frame as in `objects_vehicles`."""

from __future__ import annotations

import numpy as np

from unispace.data.studio import canvas
from unispace.data.studio.objects_look import (
    BLACK,
    GLASS,
    METAL,
    WHITE,
    WOOD,
    Look,
    Painter,
    styled,
)
from unispace.data.studio.pen import Pen, moved, oval
from unispace.data.studio.stage import rounded_trig
from unispace.data.studio.swatches import mix, shaded


def _house(pen: Pen, look: Look) -> None:
    w = 0.62 * look.aspect
    chimney, lk = styled(pen, look, 1)
    chimney.box(0.36, -0.55, 0.1, 0.3, shaded(lk.second, 0.7))
    pen.box(0.0, 0.34, w, 0.5, mix(look.main, WHITE, 0.35))
    pen.polygon(
        [(-w - 0.2, -0.14), (0.0, -0.7 - 0.18 * look.a), (w + 0.2, -0.14)], look.second, 0.03
    )
    door = np.where(look.style == 2, 0.0, -0.28)
    pen.box(door, 0.54, 0.15, 0.3, shaded(look.second, 0.65), 0.02)
    pen.ellipse(door + 0.08, 0.54, 0.03, 0.03, (0.95, 0.8, 0.3), outlined=False)
    pen.box(0.36, 0.3, 0.16, 0.15, GLASS, 0.01)
    pen.line([(0.36, 0.16), (0.36, 0.44)], 0.016, WHITE, outlined=False)
    pen.line([(0.2, 0.3), (0.52, 0.3)], 0.016, WHITE, outlined=False)
    pen.only(look.style == 2).box(-0.4, 0.3, 0.13, 0.15, GLASS, 0.01)


def _key(pen: Pen, look: Look) -> None:
    brass = mix(look.main, (0.90, 0.72, 0.25), 0.6)
    pen.line([(-0.3, 0.0), (0.86, 0.0)], 0.08, brass)
    for x, length in ((0.82, 0.26 + 0.12 * look.b), (0.58, 0.2 + 0.12 * look.c)):
        pen.box(x, 0.08 + length / 2, 0.075, length / 2, brass)
    pen.line([(-0.2, 0.0), (0.82, 0.0)], 0.06, brass, outlined=False)
    r = 0.26 + 0.05 * look.a
    pen.ring(-0.55, 0.0, r, r * look.aspect, 0.095, brass)


def _lock(pen: Pen, look: Look) -> None:
    patch = pen.patch(0.0, -0.3, 0.5, 0.6)
    bow = np.abs(
        canvas.box(*moved(patch, 0.0, -0.15), 0.32, 0.5 + 0.08 * look.a, 0.32)
    ) - np.float32(0.085)
    pen.fill(patch, bow, METAL)
    pen.box(0.0, 0.36, 0.55 * look.aspect, 0.46, mix(look.main, (0.93, 0.73, 0.2), 0.35), 0.1)
    pen.ellipse(0.0, 0.28, 0.11, 0.11, BLACK, outlined=False)
    pen.polygon([(-0.04, 0.3), (0.04, 0.3), (0.08, 0.58), (-0.08, 0.58)], BLACK, outlined=False)


def _hammer(pen: Pen, look: Look) -> None:
    pen.line([(0.0, -0.4), (0.0, 0.82)], 0.085, mix(look.main, WOOD, 0.6))
    gripped, lk = styled(pen, look, 1)
    gripped.line([(0.0, 0.4), (0.0, 0.82)], 0.1, lk.second)
    steel = look.near((0.55, 0.58, 0.62), 0.1)
    pen.polygon([(-0.15, -0.72), (-0.15, -0.4), (-0.72, -0.3), (-0.5, -0.56)], steel, 0.03)
    pen.box(0.1, -0.55, 0.28, 0.16, steel, 0.03)
    pen.box(0.46, -0.55, 0.12, 0.2 + 0.06 * look.a, steel, 0.04)


def _scissors(pen: Pen, look: Look) -> None:
    spread = 0.24 + 0.16 * look.a
    for side in (-1.0, 1.0):
        x = spread * side
        pen.polygon(
            [(-x * 0.5, 0.26), (-x * 0.5 + 0.1 * side, 0.26), (x * 1.15, -0.9)], METAL, 0.035
        )
        pen.ring(-x * 1.25, 0.56, 0.2, 0.26, 0.07, look.main)
    pen.ellipse(0.0, 0.04, 0.065, 0.065, (0.35, 0.37, 0.4), outlined=False)


def _umbrella(pen: Pen, look: Look) -> None:
    w = 0.86 * np.minimum(look.aspect, 1.08)
    pen.line([(0.0, -0.8), (0.0, 0.66), (0.1, 0.8), (0.24, 0.8), (0.3, 0.66)], 0.045, WOOD)
    patch = pen.patch(0.0, -0.3, w, 0.5)
    dome = oval(*moved(patch, 0.0, 0.0), w, 0.7)
    shape = np.maximum(dome, patch.v - np.float32(0.02))
    for x in (-0.667, 0.0, 0.667):
        shape = np.maximum(shape, -oval(*moved(patch, x * w, 0.06), 0.3 * w, 0.13))
    pen.fill(patch, shape, look.main)
    gore = np.maximum(oval(*moved(patch, 0.0, 0.0), w * 0.34, 0.7), shape)
    pen.fill(
        patch,
        gore,
        np.where((look.style == 0)[:, None], shaded(look.main, 0.8), look.second),
        outlined=False,
    )


def _chair(pen: Pen, look: Look) -> None:
    wood = mix(look.main, WOOD, 0.35)
    dark = shaded(wood, 0.75)
    top = -0.72 - 0.15 * look.a
    pen.line([(0.48, 0.22), (0.56, 0.86)], 0.06, dark)
    pen.line([(-0.22, 0.22), (-0.24, 0.7)], 0.06, dark)
    pen.line([(-0.44, top), (-0.44, 0.86)], 0.07, wood)
    slim, lk = styled(pen, look, 1)
    for y in (-0.5, -0.22):
        slim.line([(-0.44, y), (-0.1, y + 0.06)], 0.045, mix(lk.main, WOOD, 0.35))
    padded = look.style != 1
    part, lk = pen.only(padded), look.only(padded)
    part.polygon(
        [(-0.44, top[padded]), (-0.18, top[padded] + 0.06), (-0.18, 0.0), (-0.44, 0.05)],
        lk.second,
        0.03,
    )
    pen.polygon([(-0.48, 0.1), (0.5, 0.1), (0.5, 0.24), (-0.48, 0.24)], look.second, 0.03)
    pen.line([(0.3, 0.28), (0.32, 0.86)], 0.06, wood)


def _table(pen: Pen, look: Look) -> None:
    wood = mix(look.main, WOOD, 0.5)
    w = 0.8 * np.minimum(look.aspect, 1.1)
    for x, y in ((-0.5, 0.5), (0.5, 0.5)):
        pen.line([(x * w, -0.1), (x * w, y)], 0.055, shaded(wood, 0.65))
    for side in (-1.0, 1.0):
        pen.line([(side * w * 0.88, 0.0), (side * w * 0.88, 0.78)], 0.075, shaded(wood, 0.85))
    pen.polygon([(-w * 0.75, -0.34), (w * 0.75, -0.34), (w, 0.0), (-w, 0.0)], wood, 0.03)
    pen.box(0.0, 0.06, w + 0.02, 0.06, shaded(wood, 0.8))
    cloth, lk = styled(pen, look, 1)
    cloth.polygon(
        [(-0.26, -0.34), (0.26, -0.34), (0.34, 0.0), (-0.34, 0.0)], lk.second, outlined=False
    )


def _lamp(pen: Pen, look: Look) -> None:
    foot = look.near((0.6, 0.45, 0.3), 0.4)
    pen.line([(0.0, 0.0), (0.0, 0.72)], 0.055, foot)
    pen.ellipse(0.0, 0.8, 0.4, 0.1, foot)
    bulb, lk = styled(pen, look, 1)
    bulb.ellipse(0.0, 0.34, 0.18, 0.2, mix(lk.main, (0.6, 0.45, 0.3), 0.6))
    top, bottom = 0.2 + 0.15 * look.a, 0.5 + 0.14 * look.b
    shade = mix(look.main, (1.0, 0.92, 0.6), 0.3)
    pen.polygon([(-top, -0.8), (top, -0.8), (bottom, -0.05), (-bottom, -0.05)], shade, 0.03)
    pen.polygon(
        [(-top, -0.8), (-top * 0.3, -0.8), (-bottom * 0.35, -0.05), (-bottom, -0.05)],
        mix(shade, WHITE, 0.4),
        outlined=False,
    )


def _clock(pen: Pen, look: Look) -> None:
    feet, lk = styled(pen, look, 1)
    for side in (-1.0, 1.0):
        feet.line([(side * 0.4, 0.6), (side * 0.58, 0.88)], 0.06, shaded(lk.main, 0.7))
        feet.ellipse(side * 0.48, -0.66, 0.2, 0.16, shaded(lk.main, 0.8), 40 * side)
    pen.ellipse(0.0, 0.0, 0.78, 0.78, look.main)
    pen.ellipse(0.0, 0.0, 0.62, 0.62, WHITE, outlined=False)
    cos, sin = rounded_trig(np.arange(12) * (np.pi / 6))
    for k in range(12):
        radius = 0.045 if k % 3 == 0 else 0.025
        pen.ellipse(
            float(cos[k]) * 0.52, float(sin[k]) * 0.52, radius, radius, BLACK, outlined=False
        )
    hour, hour_y = rounded_trig(look.a * 2 * np.pi)
    minute, minute_y = rounded_trig(look.b * 2 * np.pi)
    pen.line([(0.0, 0.0), (hour * 0.28, hour_y * 0.28)], 0.05, BLACK, outlined=False)
    pen.line([(0.0, 0.0), (minute * 0.44, minute_y * 0.44)], 0.032, BLACK, outlined=False)
    pen.ellipse(0.0, 0.0, 0.06, 0.06, look.second, outlined=False)


def _book(pen: Pen, look: Look) -> None:
    w = 0.52 * look.aspect
    pen.box(0.07, 0.06, w, 0.78, shaded(look.main, 0.7), 0.03)
    pen.box(0.05, 0.03, w - 0.02, 0.76, (0.96, 0.94, 0.86))
    pen.box(-0.03, -0.04, w, 0.76, look.main, 0.03)
    pen.box(-w + 0.05, -0.04, 0.075, 0.76, shaded(look.main, 0.72), outlined=False)
    pen.box(0.06, -0.36, 0.3, 0.14, mix(look.second, WHITE, 0.5), outlined=False)
    for y in (-0.4, -0.32):
        pen.line([(-0.12, y), (0.24, y)], 0.016, BLACK, outlined=False)
    round_, lk = styled(pen, look, 1)
    round_.ellipse(0.06, 0.26, 0.2, 0.2, lk.second, outlined=False)


def _envelope(pen: Pen, look: Look) -> None:
    w = 0.84 * np.minimum(look.aspect, 1.08)
    paper = mix(look.main, WHITE, 0.55)
    pen.box(0.0, 0.0, w, 0.55, paper, 0.03)
    for side in (-1.0, 1.0):
        pen.line(
            [(side * w * 0.95, 0.5), (side * 0.22, 0.04)], 0.018, shaded(paper, 0.6), outlined=False
        )
    pen.polygon(
        [(-w * 0.97, -0.53), (w * 0.97, -0.53), (0.0, 0.12 + 0.1 * look.a)], shaded(paper, 0.92)
    )
    sealed = look.style != 0
    part, lk = pen.only(sealed), look.only(sealed)
    part.ellipse(0.0, 0.08 + 0.1 * lk.a, 0.13, 0.13, mix(lk.second, (0.8, 0.1, 0.1), 0.3))


def _phone(pen: Pen, look: Look) -> None:
    w = 0.4 * look.aspect
    pen.box(0.0, 0.0, w, 0.82, shaded(look.main, 0.55), 0.1)
    pen.box(
        0.0, -0.03, w - 0.06, 0.66, mix(look.second, (0.5, 0.75, 0.95), 0.5), 0.02, outlined=False
    )
    pen.ellipse(0.0, 0.73, 0.05, 0.05, METAL, outlined=False)
    pen.line([(-0.08, -0.75), (0.08, -0.75)], 0.018, METAL, outlined=False)
    for i, y in enumerate((-0.45, -0.2, 0.05)):
        for j, x in enumerate((-0.18, 0.0, 0.18)):
            tint = ((0.95, 0.4, 0.35), (0.98, 0.85, 0.3), (0.4, 0.8, 0.45))[(i + j) % 3]
            pen.box(x * look.aspect, y, 0.065, 0.075, tint, 0.02, outlined=False)


def _television(pen: Pen, look: Look) -> None:
    w = 0.86 * np.minimum(look.aspect, 1.05)
    old = look.style == 1
    for side in (-1.0, 1.0):
        pen.only(old).line([(0.0, -0.4), (side * 0.36, -0.88)], 0.03, METAL, outlined=False)
    pen.polygon([(-0.12, 0.5), (0.12, 0.5), (0.34, 0.8), (-0.34, 0.8)], (0.3, 0.3, 0.33))
    pen.box(0.0, 0.05, w, 0.55, mix(look.main, BLACK, 0.45), 0.06)
    screen = w - 0.09 - np.where(old, 0.1, 0.0)
    pen.box(
        np.where(old, -0.1, 0.0),
        0.04,
        screen,
        0.44,
        mix(look.second, (0.45, 0.75, 0.9), 0.6),
        0.05,
        outlined=False,
    )
    pen.polygon([(-0.6, 0.3), (-0.3, -0.06), (-0.05, 0.3)], (0.35, 0.65, 0.4), outlined=False)
    pen.polygon([(-0.25, 0.3), (0.14, -0.16), (0.5, 0.3)], (0.25, 0.5, 0.35), outlined=False)
    pen.ellipse(0.34, -0.18, 0.1, 0.1, (1.0, 0.88, 0.4), outlined=False)
    for y in (-0.2, 0.1):
        pen.only(old).ellipse(w[old] - 0.1, y, 0.06, 0.06, METAL, outlined=False)


def _camera(pen: Pen, look: Look) -> None:
    w = 0.82 * np.minimum(look.aspect, 1.1)
    pen.box(-0.05 + 0.2 * look.b, -0.48, 0.26, 0.14, shaded(look.main, 0.6), 0.04)
    pen.box(-w * 0.7, -0.42, 0.12, 0.08, (0.85, 0.2, 0.2), 0.02)
    pen.box(0.0, 0.1, w, 0.5, look.main, 0.1)
    pen.box(0.0, 0.14, w, 0.22, shaded(look.main, 0.55), outlined=False)
    r = 0.34 + 0.06 * look.a
    pen.ellipse(0.0, 0.12, r, r, METAL)
    pen.ellipse(0.0, 0.12, r * 0.76, r * 0.76, BLACK, outlined=False)
    pen.ellipse(0.0, 0.12, r * 0.45, r * 0.45, (0.25, 0.4, 0.65), outlined=False)
    pen.ellipse(-0.1, 0.02, 0.06, 0.06, WHITE, outlined=False)
    pen.box(w * 0.72, -0.22, 0.12, 0.08, (1.0, 0.95, 0.7), 0.02, outlined=False)


def _candle(pen: Pen, look: Look) -> None:
    w = 0.19 + 0.07 * look.a
    pen.ellipse(0.0, 0.8, 0.52, 0.11, mix(look.second, (0.85, 0.7, 0.3), 0.5))
    pen.box(0.0, 0.26, w, 0.52, mix(look.main, WHITE, 0.35), 0.05)
    pen.line(
        [(-w * 0.5, -0.22), (-w * 0.5, 0.08)], 0.05, mix(look.main, WHITE, 0.65), outlined=False
    )
    pen.line([(0.0, -0.26), (0.0, -0.42)], 0.025, BLACK, outlined=False)
    pen.polygon(
        [(0.0, -0.96), (0.16, -0.56), (0.0, -0.38), (-0.16, -0.56)], (0.99, 0.58, 0.12), 0.03
    )
    pen.polygon(
        [(0.0, -0.72), (0.08, -0.54), (0.0, -0.42), (-0.08, -0.54)],
        (1.0, 0.9, 0.4),
        0.01,
        outlined=False,
    )


PAINTERS: dict[str, Painter] = {
    "house": _house,
    "key": _key,
    "lock": _lock,
    "hammer": _hammer,
    "scissors": _scissors,
    "umbrella": _umbrella,
    "chair": _chair,
    "table": _table,
    "lamp": _lamp,
    "clock": _clock,
    "book": _book,
    "envelope": _envelope,
    "phone": _phone,
    "television": _television,
    "camera": _camera,
    "candle": _candle,
}

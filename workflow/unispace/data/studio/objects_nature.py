"""Painters of plants, animals, the sky. Local frame as in `objects_vehicles`."""

from __future__ import annotations

import numpy as np

from unispace.data.studio import canvas
from unispace.data.studio.objects_look import BLACK, LEAF, WHITE, WOOD, Look, Painter, styled
from unispace.data.studio.pen import Pen, moved, oval
from unispace.data.studio.stage import rounded_trig
from unispace.data.studio.swatches import mix, shaded

PINK = (0.95, 0.62, 0.66)


def _spokes(count: int) -> list[tuple[float, float]]:
    """Unit vectors around the circle, the first pointing up."""
    cos, sin = rounded_trig(np.arange(count) * (2 * np.pi / count) - np.pi / 2)
    return [(float(c), float(s)) for c, s in zip(cos, sin, strict=True)]


def _eye(pen: Pen, x: float, y: float, r: float = 0.07) -> None:
    pen.ellipse(x, y, r, r * 1.15, BLACK, outlined=False)
    pen.ellipse(x + r * 0.3, y - r * 0.35, r * 0.38, r * 0.38, WHITE, outlined=False)


def _tree(pen: Pen, look: Look) -> None:
    green = look.near(LEAF, 0.2)
    pen.box(0.0, 0.55, 0.11 + 0.05 * look.a, 0.36, WOOD, 0.02)
    fir = look.style == 2
    part, lk = pen.only(fir), look.only(fir)
    for y, w in ((0.35, 0.62), (-0.02, 0.5), (-0.36, 0.37)):
        part.polygon(
            [(0.0, y - 0.5), (w * lk.aspect, y), (-w * lk.aspect, y)], lk.near(LEAF, 0.2), 0.02
        )
    part, lk, tint = pen.only(~fir), look.only(~fir), green[~fir]
    for x, y, r in (
        (-0.36, -0.05, 0.33),
        (0.36, -0.05, 0.33),
        (0.0, -0.42, 0.42),
        (0.0, -0.02, 0.36),
    ):
        part.ellipse(x * lk.aspect, y, r, r, tint)
    for x, y, r in ((-0.32, -0.07, 0.26), (0.32, -0.07, 0.26), (0.0, -0.4, 0.36)):
        part.ellipse(x * lk.aspect, y, r, r, tint, outlined=False)


def _flower(pen: Pen, look: Look) -> None:
    pen.line([(0.0, -0.2), (0.0, 0.9)], 0.05, LEAF)
    pen.ellipse(0.2, 0.5, 0.22, 0.1, LEAF, -35)
    two, _ = styled(pen, look, 1)
    two.ellipse(-0.2, 0.62, 0.22, 0.1, LEAF, 35)
    reach = 0.3 + 0.08 * look.a
    petal = 0.19 + 0.03 * look.b
    for c, s in _spokes(6):
        pen.ellipse(c * reach, -0.35 + s * reach, petal, petal, look.main)
    pen.ellipse(0.0, -0.35, 0.2, 0.2, look.near((0.98, 0.8, 0.2), 0.05))


def _cactus(pen: Pen, look: Look) -> None:
    green = look.near((0.28, 0.62, 0.32), 0.12)
    left, right = 0.1 - 0.3 * look.a, 0.05 - 0.3 * look.b
    pen.line([(-0.1, left + 0.25), (-0.45, left + 0.25), (-0.45, left - 0.1)], 0.12, green)
    pen.line([(0.1, right + 0.15), (0.45, right + 0.15), (0.45, right - 0.25)], 0.12, green)
    pen.line([(0.0, 0.4), (0.0, -0.62)], 0.21, green)
    for x in (-0.08, 0.08):
        pen.line([(x, 0.3), (x, -0.6)], 0.018, shaded(green, 0.7), outlined=False)
    pen.polygon(
        [(-0.38, 0.45), (0.38, 0.45), (0.28, 0.88), (-0.28, 0.88)],
        mix(look.main, (0.8, 0.45, 0.3), 0.5),
        0.02,
    )
    bloom, lk = styled(pen, look, 1)
    bloom.ellipse(0.0, -0.85, 0.13, 0.1, lk.second)


def _fish(pen: Pen, look: Look) -> None:
    h = 0.34 + 0.1 * look.a
    pen.polygon([(-0.38, 0.0), (-0.88, -0.36), (-0.76, 0.0), (-0.88, 0.36)], look.second, 0.03)
    pen.polygon([(-0.2, -h * 0.8), (0.25, -h * 0.8), (-0.1, -h - 0.24)], look.second, 0.03)
    pen.ellipse(0.12, 0.0, 0.7, h, look.main)
    striped, lk = styled(pen, look, 1)
    for x in (-0.15, 0.12):
        striped.ellipse(x, 0.0, 0.06, (0.34 + 0.1 * lk.a) * 0.86, lk.second, outlined=False)
    pen.polygon([(0.1, 0.06), (-0.14, 0.26), (-0.12, 0.02)], shaded(look.second, 0.85), 0.03)
    pen.ellipse(0.52, -0.1, 0.11, 0.11, WHITE, outlined=False)
    pen.ellipse(0.55, -0.1, 0.06, 0.06, BLACK, outlined=False)
    pen.line([(0.62, 0.14), (0.76, 0.1)], 0.02, BLACK, outlined=False)


def _bird(pen: Pen, look: Look) -> None:
    for x in (-0.02, 0.16):
        pen.line([(x, 0.4), (x, 0.85), (x + 0.12, 0.85)], 0.03, (0.95, 0.6, 0.15), outlined=False)
    pen.polygon(
        [(-0.4, 0.05), (-0.92, -0.05 - 0.3 * look.a), (-0.86, 0.25)], shaded(look.main, 0.8), 0.03
    )
    pen.polygon([(0.6, -0.5), (0.92, -0.36), (0.6, -0.28)], (0.97, 0.65, 0.15), 0.02)
    pen.ellipse(0.0, 0.12, 0.58, 0.4, look.main)
    pen.ellipse(0.42, -0.38, 0.3, 0.29, look.main)
    pen.ellipse(0.3, -0.1, 0.26, 0.24, look.main, outlined=False)
    pen.ellipse(0.15, 0.24, 0.36, 0.22, mix(look.second, WHITE, 0.5), outlined=False)
    pen.ellipse(-0.14, 0.08, 0.34, 0.19 + 0.05 * look.b, shaded(look.main, 0.72), 18)
    _eye(pen, 0.5, -0.44)


def _cat(pen: Pen, look: Look) -> None:
    fur = mix(look.main, (0.85, 0.65, 0.45), 0.45)
    for side in (-1.0, 1.0):
        tip = -0.72 - 0.15 * look.a
        pen.polygon([(side * 0.66, -0.05), (side * 0.6, tip), (side * 0.12, -0.4)], fur, 0.04)
        pen.polygon(
            [(side * 0.56, -0.2), (side * 0.54, tip + 0.18), (side * 0.28, -0.38)],
            PINK,
            0.02,
            outlined=False,
        )
    pen.ellipse(0.0, 0.12, 0.74 * look.aspect, 0.6, fur)
    striped, lk = styled(pen, look, 1)
    for x in (-0.17, 0.0, 0.17):
        striped.line(
            [(x, -0.42), (x * 0.8, -0.2)],
            0.04,
            shaded(mix(lk.main, (0.85, 0.65, 0.45), 0.45), 0.55),
            outlined=False,
        )
    pen.ellipse(0.0, 0.38, 0.28, 0.2, mix(fur, WHITE, 0.65), outlined=False)
    for side in (-1.0, 1.0):
        pen.ellipse(
            side * 0.3, 0.02, 0.13, 0.14, mix(look.second, (0.7, 0.9, 0.4), 0.6), outlined=False
        )
        pen.ellipse(side * 0.3, 0.02, 0.05, 0.13, BLACK, outlined=False)
        for dy in (0.0, 0.14):
            pen.line(
                [(side * 0.22, 0.34 + dy * 0.4), (side * 0.82, 0.26 + dy)],
                0.016,
                BLACK,
                outlined=False,
            )
    pen.polygon([(-0.08, 0.24), (0.08, 0.24), (0.0, 0.34)], (0.9, 0.45, 0.5), 0.02, outlined=False)


def _rabbit(pen: Pen, look: Look) -> None:
    fur = mix(look.main, (0.88, 0.82, 0.76), 0.62)
    for side in (-1.0, 1.0):
        tilt = 10.0 * side
        pen.ellipse(side * 0.26, -0.5, 0.16, 0.44, fur, tilt)
        pen.ellipse(side * 0.26, -0.47, 0.075, 0.32, PINK, tilt, outlined=False)
    pen.ellipse(0.0, 0.36, 0.56 * look.aspect, 0.5, fur)
    pen.ellipse(0.0, 0.56, 0.26, 0.2, mix(fur, WHITE, 0.7), outlined=False)
    for side in (-1.0, 1.0):
        _eye(pen, side * 0.25, 0.24, 0.08)
    pen.ellipse(0.0, 0.44, 0.075, 0.055, (0.9, 0.42, 0.5), outlined=False)
    pen.box(0.0, 0.67, 0.075, 0.08, WHITE, 0.02, outlined=False)
    pen.line([(0.0, 0.6), (0.0, 0.74)], 0.014, (0.5, 0.45, 0.45), outlined=False)


def _snail(pen: Pen, look: Look) -> None:
    body = look.near((0.86, 0.72, 0.5), 0.15)
    for x in (0.6, 0.82):
        pen.line([(0.66, 0.2), (x, -0.28)], 0.03, body)
        pen.ellipse(x, -0.28, 0.06, 0.06, BLACK, outlined=False)
    pen.line([(-0.8, 0.66), (0.5, 0.62), (0.68, 0.18)], 0.14, body)
    r = 0.46 + 0.08 * look.a
    pen.ellipse(-0.15, 0.12, r, r, look.main)
    pen.ring(-0.11, 0.14, r * 0.66, r * 0.66, 0.045, look.second, outlined=False)
    pen.ring(-0.14, 0.15, r * 0.3, r * 0.3, 0.045, look.second, outlined=False)


def _butterfly(pen: Pen, look: Look) -> None:
    for side in (-1.0, 1.0):
        pen.ellipse(side * 0.44 * look.aspect, -0.28, 0.44, 0.36, look.main, 30 * side)
        pen.ellipse(side * 0.36 * look.aspect, 0.36, 0.32, 0.3, look.second, -35 * side)
        pen.ellipse(
            side * 0.5,
            -0.32,
            0.14 + 0.08 * look.a,
            0.16,
            mix(look.second, WHITE, 0.4),
            outlined=False,
        )
        pen.ellipse(side * 0.38, 0.38, 0.12, 0.11, mix(look.main, WHITE, 0.4), outlined=False)
        pen.line([(0.0, -0.45), (side * 0.22, -0.82)], 0.02, BLACK, outlined=False)
    pen.line([(0.0, -0.42), (0.0, 0.48)], 0.08, (0.25, 0.18, 0.15))


def _star(pen: Pen, look: Look) -> None:
    inner = 0.36 + 0.1 * look.a
    points = [
        (c * (0.9 if i % 2 == 0 else inner), 0.05 + s * (0.9 if i % 2 == 0 else inner))
        for i, (c, s) in enumerate(_spokes(10))
    ]
    pen.polygon(points, look.near((1.0, 0.82, 0.2), 0.3), 0.02)


def _moon(pen: Pen, look: Look) -> None:
    patch = pen.patch(0.0, 0.0, 0.85)
    outer = oval(patch.u, patch.v, 0.84, 0.84)
    u, v = moved(patch, 0.32 + 0.22 * look.a, -0.08)
    bite = oval(u, v, 0.66, 0.68)
    pen.fill(patch, np.maximum(outer, -bite), look.near((0.98, 0.88, 0.5), 0.15))
    cratered, _ = styled(pen, look, 1)
    for x, y, r in ((-0.6, 0.12, 0.09), (-0.42, 0.46, 0.07)):
        cratered.ellipse(x, y, r, r, (0.82, 0.7, 0.36), outlined=False)


def _sun(pen: Pen, look: Look) -> None:
    ray = 0.72 + 0.18 * look.a
    gold = look.near((1.0, 0.72, 0.12), 0.12)
    for c, s in _spokes(10):
        pen.line([(c * 0.6, s * 0.6), (c * ray, s * ray)], 0.055, gold)
    pen.ellipse(0.0, 0.0, 0.48, 0.48, look.near((1.0, 0.84, 0.22), 0.1))
    smiling, _ = styled(pen, look, 1)
    for side in (-1.0, 1.0):
        smiling.ellipse(side * 0.17, -0.08, 0.055, 0.08, (0.45, 0.25, 0.05), outlined=False)
    smiling.line(
        [(-0.18, 0.16), (0.0, 0.23), (0.18, 0.16)], 0.03, (0.45, 0.25, 0.05), outlined=False
    )


def _cloud(pen: Pen, look: Look) -> None:
    tint = mix(np.broadcast_to(np.asarray(WHITE, np.float32), look.main.shape), look.main, 0.12)
    patch = pen.patch(0.0, 0.0, 0.95, 0.6)
    distance = canvas.box(*moved(patch, 0.0, 0.26), 0.86, 0.2, 0.2)
    for x, y, r in (
        (-0.42, 0.02, 0.3 + 0.07 * look.a),
        (0.05, -0.16, 0.36 + 0.07 * look.b),
        (0.5, 0.08, 0.26 + 0.07 * look.c),
    ):
        distance = np.minimum(distance, oval(*moved(patch, x, y), r, r))
    pen.fill(patch, distance, tint)
    rain, _ = styled(pen, look, 2)
    for x in (-0.45, 0.0, 0.45):
        rain.line([(x, 0.64), (x - 0.08, 0.84)], 0.04, (0.3, 0.55, 0.9), outlined=False)


def _mushroom(pen: Pen, look: Look) -> None:
    w = 0.78 * look.aspect
    stem = 0.2 + 0.08 * look.a
    pen.polygon(
        [(-stem, 0.0), (stem, 0.0), (stem * 1.25, 0.82), (-stem * 1.25, 0.82)],
        (0.95, 0.90, 0.80),
        0.04,
    )
    patch = pen.patch(0.0, -0.3, w, 0.6)
    u, v = moved(patch, 0.0, 0.12)
    cap = np.maximum(oval(u, v, w, 0.9), patch.v - np.float32(0.14))
    pen.fill(patch, cap, mix(look.main, (0.85, 0.2, 0.15), 0.4))
    spotted = look.style != 0
    part = pen.only(spotted)
    for x, y, r in (
        (-0.4, -0.08, 0.12),
        (0.02, -0.42, 0.14),
        (0.38, -0.12, 0.13),
        (-0.02, -0.04, 0.08),
    ):
        part.ellipse(x, y, r, r * 0.9, WHITE, outlined=False)


def _snowman(pen: Pen, look: Look) -> None:
    snow = (0.96, 0.97, 1.0)
    for side in (-1.0, 1.0):
        pen.line([(side * 0.3, 0.0), (side * 0.78, -0.24)], 0.03, WOOD, outlined=False)
    pen.ellipse(0.0, 0.5, 0.46 * look.aspect, 0.4, snow)
    pen.ellipse(0.0, -0.02, 0.34, 0.3, snow)
    pen.ellipse(0.0, -0.44, 0.26, 0.25, snow)
    pen.line([(-0.2, -0.24), (0.2, -0.24)], 0.06, look.second)
    pen.line([(0.14, -0.2), (0.2, 0.06)], 0.055, look.second)
    pen.box(0.0, -0.64, 0.34, 0.04, shaded(look.main, 0.6))
    pen.box(0.0, -0.8, 0.21, 0.09 + 0.04 * look.a, shaded(look.main, 0.6))
    for side in (-1.0, 1.0):
        pen.ellipse(side * 0.1, -0.5, 0.035, 0.04, BLACK, outlined=False)
    pen.polygon([(0.0, -0.45), (0.0, -0.36), (0.24, -0.38)], (0.98, 0.5, 0.1), outlined=False)
    for y in (0.02, 0.36, 0.56):
        pen.ellipse(0.0, y, 0.04, 0.04, BLACK, outlined=False)


PAINTERS: dict[str, Painter] = {
    "tree": _tree,
    "flower": _flower,
    "cactus": _cactus,
    "mushroom": _mushroom,
    "fish": _fish,
    "bird": _bird,
    "cat": _cat,
    "rabbit": _rabbit,
    "snail": _snail,
    "butterfly": _butterfly,
    "star": _star,
    "moon": _moon,
    "sun": _sun,
    "cloud": _cloud,
    "snowman": _snowman,
}

"""Painters of vehicles. Local frame: -1 to 1, x to the right, y downwards, things about 1.8 wide."""

from __future__ import annotations

import numpy as np

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
from unispace.data.studio.pen import Pen
from unispace.data.studio.stage import Doubles
from unispace.data.studio.swatches import mix, shaded


def _wheel(pen: Pen, x: Doubles | float, y: float, r: Doubles | float) -> None:
    pen.ellipse(x, y, r, r, BLACK)
    pen.ellipse(x, y, np.multiply(r, 0.5), np.multiply(r, 0.5), METAL, outlined=False)


def _car(pen: Pen, look: Look) -> None:
    w = 0.85 * look.aspect
    roof = 0.12 + 0.14 * look.a
    pen.polygon(
        [(-w * 0.62, 0.0), (-w * 0.40, -0.42), (w * roof * 2, -0.42), (w * 0.55, 0.0)],
        look.main,
        0.05,
    )
    pen.polygon(
        [(-w * 0.48, -0.03), (-w * 0.34, -0.35), (-w * 0.06, -0.35), (-w * 0.06, -0.03)],
        GLASS,
        outlined=False,
    )
    pen.polygon(
        [(w * 0.03, -0.03), (w * 0.03, -0.35), (w * roof * 2 - 0.02, -0.35), (w * 0.42, -0.03)],
        GLASS,
        outlined=False,
    )
    pen.box(0.0, 0.18, w, 0.23, look.main, 0.1)
    stripe, lk = styled(pen, look, 1)
    stripe.box(0.0, 0.2, 0.82 * lk.aspect, 0.045, lk.second, outlined=False)
    pen.ellipse(w * 0.92, 0.12, 0.06, 0.07, (1.0, 0.93, 0.55), outlined=False)
    for side in (-0.52, 0.52):
        _wheel(pen, side * w, 0.4, 0.19 + 0.04 * look.b)


def _bus(pen: Pen, look: Look) -> None:
    w = 0.9 * np.minimum(look.aspect, 1.05)
    pen.box(0.0, -0.05, w, 0.52, look.main, 0.09)
    pen.box(0.0, 0.2, w, 0.06 + 0.05 * look.a, look.second, outlined=False)
    for i in range(4):
        pen.box((-0.7 + 0.4 * i) * w, -0.22, 0.15 * w, 0.17, GLASS, 0.03, outlined=False)
    door, lk = styled(pen, look, 1)
    door.box(0.72 * lk.aspect * 0.9, 0.07, 0.11, 0.36, shaded(lk.main, 0.6), 0.02, outlined=False)
    for x in (-0.55, 0.5):
        _wheel(pen, x * w, 0.5, 0.18)


def _bicycle(pen: Pen, look: Look) -> None:
    r = 0.34 + 0.05 * look.a
    x = 0.52 * look.aspect
    for side in (-1.0, 1.0):
        pen.ring(side * x, 0.32, r, r, 0.038, BLACK, outlined=False)
    saddle, bars = -0.25 - 0.1 * look.b, -0.42
    frame = [(-x, 0.32), (-0.22, -0.14), (0.34, -0.2), (-0.05, 0.32), (-x, 0.32)]
    pen.line(frame, 0.045, look.main, outlined=False)
    pen.line([(-0.28, saddle), (-0.05, 0.32)], 0.045, look.main, outlined=False)
    pen.line([(x, 0.32), (0.34, -0.2), (0.3, bars)], 0.045, look.main, outlined=False)
    pen.line([(0.3, bars), (0.46, bars - 0.05)], 0.045, BLACK, outlined=False)
    pen.line([(-0.4, saddle), (-0.17, saddle)], 0.06, look.second)
    pen.ellipse(-0.05, 0.32, 0.09, 0.09, METAL, outlined=False)


def _boat(pen: Pen, look: Look) -> None:
    w = 0.82 * look.aspect
    pen.line([(0.0, 0.3), (0.0, -0.85)], 0.035, WOOD)
    tip = 0.45 + 0.35 * look.a
    pen.polygon([(0.07, -0.8), (0.07, 0.16), (tip, 0.16)], look.second, 0.02)
    pen.polygon(
        [(-0.07, -0.62 + 0.2 * look.b), (-0.07, 0.16), (-0.5, 0.16)],
        mix(look.second, WHITE, 0.55),
        0.02,
    )
    pen.polygon([(-w, 0.3), (w, 0.3), (w * 0.66, 0.68), (-w * 0.66, 0.68)], look.main, 0.04)
    striped, lk = styled(pen, look, 1)
    striped.box(0.0, 0.37, 0.78 * lk.aspect, 0.04, WHITE, outlined=False)


def _airplane(pen: Pen, look: Look) -> None:
    dark = shaded(look.second, 0.85)
    pen.polygon([(-0.9, -0.5), (-0.68, -0.5), (-0.42, -0.05), (-0.78, -0.05)], look.second, 0.02)
    pen.polygon(
        [(-0.12, -0.1), (0.16, -0.1), (-0.08, -0.62 - 0.1 * look.a), (-0.26, -0.62 - 0.1 * look.a)],
        dark,
        0.02,
    )
    pen.ellipse(0.0, 0.0, 0.9, 0.2 + 0.05 * look.b, mix(look.main, WHITE, 0.45))
    pen.polygon([(-0.15, 0.06), (0.22, 0.06), (-0.2, 0.68), (-0.42, 0.68)], look.second, 0.02)
    pen.ellipse(0.68, -0.05, 0.12, 0.075, (0.3, 0.45, 0.6), outlined=False)
    for i in range(4):
        pen.ellipse(-0.35 + 0.24 * i, -0.06, 0.055, 0.055, (0.3, 0.45, 0.6), outlined=False)


def _rocket(pen: Pen, look: Look) -> None:
    w = 0.27 * look.aspect
    pen.polygon(
        [(-0.16, 0.5), (0.16, 0.5), (0.0, 0.78 + 0.18 * look.a)],
        (1.0, 0.6, 0.1),
        0.02,
        outlined=False,
    )
    for side in (-1.0, 1.0):
        pen.polygon(
            [
                (side * w * 0.7, 0.1),
                (side * (w + 0.24), 0.48),
                (side * (w + 0.24), 0.68),
                (side * w * 0.6, 0.5),
            ],
            look.second,
        )
    pen.polygon(
        [(0.0, -0.92), (w * 0.7, -0.55), (w, -0.1), (w * 0.75, 0.52), (-w * 0.75, 0.52), (-w, -0.1), (-w * 0.7, -0.55)],
        mix(look.main, WHITE, 0.5), 0.03,
    )  # fmt: skip
    pen.polygon([(0.0, -0.92), (w * 0.68, -0.55), (-w * 0.68, -0.55)], look.second, 0.03)
    pen.ellipse(0.0, -0.2, 0.14 + 0.03 * look.b, 0.14 + 0.03 * look.b, METAL)
    pen.ellipse(0.0, -0.2, 0.1, 0.1, (0.35, 0.65, 0.9), outlined=False)


def _balloon(pen: Pen, look: Look) -> None:
    w = 0.6 * look.aspect
    for x in (-0.14, 0.14):
        pen.line([(x * 2.4, 0.2), (x, 0.66)], 0.018, BLACK, outlined=False)
    pen.ellipse(0.0, -0.25, w, 0.64, look.main)
    pen.polygon(
        [(-w * 0.72, 0.12), (w * 0.72, 0.12), (0.17, 0.46), (-0.17, 0.46)],
        look.main,
        outlined=False,
    )
    pen.ellipse(0.0, -0.25, w * (0.3 + 0.15 * look.a), 0.63, look.second, outlined=False)
    pen.polygon(
        [(-w * 0.33, 0.2), (w * 0.33, 0.2), (0.08, 0.46), (-0.08, 0.46)],
        look.second,
        outlined=False,
    )
    pen.box(0.0, 0.78, 0.18, 0.14, WOOD, 0.04)


PAINTERS: dict[str, Painter] = {
    "car": _car,
    "bus": _bus,
    "bicycle": _bicycle,
    "boat": _boat,
    "airplane": _airplane,
    "rocket": _rocket,
    "balloon": _balloon,
}

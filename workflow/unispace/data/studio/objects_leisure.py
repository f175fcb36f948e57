"""Painters of clothes, toys and instruments. Local frame as in `objects_vehicles`."""

from __future__ import annotations

import numpy as np

from unispace.data.studio import canvas
from unispace.data.studio.objects_look import BLACK, WHITE, WOOD, Look, Painter, styled
from unispace.data.studio.pen import Pen, moved, oval
from unispace.data.studio.swatches import mix, shaded


def _guitar(pen: Pen, look: Look) -> None:
    body = mix(look.main, WOOD, 0.3)
    pen.box(0.0, -0.82, 0.12, 0.12, shaded(body, 0.6), 0.03)
    pen.box(0.0, -0.38, 0.065, 0.4, (0.35, 0.22, 0.14))
    w = 0.42 * look.aspect
    patch = pen.patch(0.0, 0.36, 0.62, 0.6)
    shape = oval(*moved(patch, 0.0, 0.54), w, 0.36)
    shape = np.minimum(shape, oval(*moved(patch, 0.0, 0.08), w * (0.68 + 0.12 * look.a), 0.28))
    shape = np.minimum(shape, canvas.box(*moved(patch, 0.0, 0.28), w * 0.6, 0.2))
    pen.fill(patch, shape, body)
    pen.box(0.0, -0.2, 0.055, 0.3, (0.35, 0.22, 0.14), outlined=False)
    pen.ellipse(0.0, 0.26, 0.14, 0.14, BLACK, outlined=False)
    pen.box(0.0, 0.62, 0.18, 0.045, BLACK, outlined=False)
    for x in (-0.03, 0.03):
        pen.line([(x, -0.75), (x, 0.62)], 0.01, WHITE, outlined=False)


def _drum(pen: Pen, look: Look) -> None:
    w = 0.66 * look.aspect
    low = 0.42 + 0.12 * look.a
    pen.ellipse(0.0, low, w, 0.24, look.second)
    pen.box(0.0, (low - 0.2) / 2, w, (low + 0.2) / 2, look.main)
    pen.ellipse(0.0, low - 0.09, w, 0.22, look.main, outlined=False)
    for i in range(5):
        x0, x1 = (-0.9 + 0.36 * i) * w, (-0.72 + 0.36 * i) * w
        pen.line([(x0, 0.0), (x1, low), (x1 + 0.18 * w, 0.02)], 0.022, WHITE, outlined=False)
    pen.ellipse(0.0, -0.18, w, 0.25, look.second)
    pen.ellipse(0.0, -0.2, w * 0.88, 0.19, (0.97, 0.94, 0.86), outlined=False)
    for side in (-1.0, 1.0):
        pen.line([(side * 0.1, -0.24), (side * 0.7, -0.78)], 0.04, WOOD)
        pen.ellipse(side * 0.1, -0.24, 0.08, 0.07, WOOD)


def _ball(pen: Pen, look: Look) -> None:
    patch = pen.patch(0.0, 0.0, 0.8)
    disk = oval(patch.u, patch.v, 0.78, 0.78)
    pen.fill(patch, disk, np.where((look.style == 0)[:, None], np.float32(0.96), look.main))
    _football(*styled(pen, look, 0))
    part, lk = styled(pen, look, 1)
    if part.n:
        patch = part.patch(0.0, 0.0, 0.8)
        disk = oval(patch.u, patch.v, 0.78, 0.78)
        for x in (-0.8, 0.8):
            seam = np.abs(oval(*moved(patch, x, 0.0), 0.5, 0.62)) - np.float32(0.03)
            part.fill(patch, np.maximum(seam, disk), lk.second, outlined=False)
        cross = np.minimum(np.abs(patch.u), np.abs(patch.v)) - np.float32(0.03)
        part.fill(patch, np.maximum(cross, disk), lk.second, outlined=False)
    part, lk = styled(pen, look, 2)
    if part.n:
        patch = part.patch(0.0, 0.0, 0.8)
        disk = oval(patch.u, patch.v, 0.78, 0.78)
        for x, tint in ((0.52, lk.second), (0.18, np.full_like(lk.second, 0.96))):
            part.fill(patch, oval(patch.u, patch.v, x, 0.77), tint, outlined=False)


def _football(pen: Pen, look: Look) -> None:
    """Dark patches on a light ball: one in the middle, five at the edge."""
    if not pen.n:
        return
    dark = shaded(look.second, 0.45)
    patch = pen.patch(0.0, 0.0, 0.8)
    disk = oval(patch.u, patch.v, 0.76, 0.76)
    for x, y in ((0.0, -0.78), (0.74, -0.24), (0.46, 0.63), (-0.46, 0.63), (-0.74, -0.24)):
        spot = oval(*moved(patch, x, y), 0.24, 0.24)
        pen.fill(patch, np.maximum(spot, disk), dark, outlined=False)
        pen.line([(x * 0.3, y * 0.3), (x * 0.75, y * 0.75)], 0.022, dark, outlined=False)
    pen.polygon(
        [(0.0, -0.26), (0.25, -0.08), (0.15, 0.21), (-0.15, 0.21), (-0.25, -0.08)],
        dark,
        0.02,
        outlined=False,
    )


def _hat(pen: Pen, look: Look) -> None:
    """A top hat, a broad hat or a bowler."""
    w = 0.86 * np.minimum(look.aspect, 1.08)
    tall, lk = styled(pen, look, 0)
    tall.polygon([(-0.44, -0.6), (0.44, -0.6), (0.36, 0.42), (-0.36, 0.42)], lk.main, 0.04)
    low = look.style != 0
    part, lk = pen.only(low), look.only(low)
    if part.n:
        patch = part.patch(0.0, 0.0, 0.6)
        crown = np.maximum(oval(*moved(patch, 0.0, 0.4), 0.5, 0.75), patch.v - np.float32(0.42))
        part.fill(patch, crown, lk.main)
    pen.box(0.0, 0.24, np.where(low, 0.49, 0.385), 0.1, look.second, outlined=False)
    pen.ellipse(0.0, 0.44, w, 0.13 + 0.06 * look.a, look.main)


def _shoe(pen: Pen, look: Look) -> None:
    top = -0.42 - 0.2 * look.a
    pen.polygon(
        [
            (-0.8, top),
            (-0.26, top),
            (-0.08, -0.1),
            (0.5, 0.06),
            (0.84, 0.3),
            (0.84, 0.42),
            (-0.8, 0.42),
        ],
        look.main,
        0.05,
    )
    pen.polygon(
        [(0.48, 0.08), (0.82, 0.3), (0.82, 0.42), (0.4, 0.42)],
        mix(look.main, WHITE, 0.5),
        0.03,
        outlined=False,
    )
    pen.box(0.02, 0.5, 0.88, 0.1, mix(look.second, WHITE, 0.6), 0.06)
    for i in range(3):
        pen.line(
            [(-0.2 + 0.17 * i, -0.16 + 0.09 * i), (-0.08 + 0.17 * i, -0.3 + 0.1 * i)],
            0.035,
            WHITE,
            outlined=False,
        )
    swoosh, lk = styled(pen, look, 1)
    swoosh.line([(-0.5, 0.24), (-0.2, 0.28), (0.2, 0.12)], 0.055, lk.second, outlined=False)
    heel, lk = styled(pen, look, 2)
    heel.box(-0.68, 0.1, 0.16, 0.28, lk.second, 0.04, outlined=False)


def _shirt(pen: Pen, look: Look) -> None:
    w = 0.44 * look.aspect
    sleeve = 0.05 + 0.3 * look.a
    for side in (-1.0, 1.0):
        pen.polygon(
            [(side * w * 0.7, -0.66), (side * (w + 0.42), -0.3 + sleeve), (side * (w + 0.2), -0.12 + sleeve), (side * w * 0.8, -0.2)],
            look.main, 0.03,
        )  # fmt: skip
    pen.polygon([(-w, -0.62), (w, -0.62), (w, 0.78), (-w, 0.78)], look.main, 0.05)
    for side in (-1.0, 1.0):
        pen.polygon(
            [(side * w * 0.5, -0.62), (side * w * 1.1, -0.5), (side * w * 0.9, -0.25)],
            look.main,
            outlined=False,
        )
    striped, lk = styled(pen, look, 1)
    for y in (-0.25, 0.1, 0.45):
        striped.box(0.0, y, 0.46 * lk.aspect, 0.08, lk.second, outlined=False)
    printed, lk = styled(pen, look, 2)
    printed.ellipse(0.0, 0.0, 0.2, 0.2, lk.second, outlined=False)
    pen.ellipse(0.0, -0.67, 0.2, 0.14, shaded(look.main, 0.55), outlined=False)


def _kite(pen: Pen, look: Look) -> None:
    w = 0.5 * look.aspect
    pen.line([(0.0, 0.35), (0.16, 0.55), (-0.06, 0.72), (0.12, 0.94)], 0.022, BLACK, outlined=False)
    for x, y in ((0.14, 0.55), (-0.03, 0.73)):
        pen.polygon([(x - 0.14, y - 0.08), (x - 0.14, y + 0.08), (x, y)], look.second)
        pen.polygon([(x + 0.14, y - 0.08), (x + 0.14, y + 0.08), (x, y)], look.second)
    mid = -0.42 + 0.1 * look.a
    pen.polygon([(0.0, -0.92), (w, mid), (0.0, 0.38), (-w, mid)], look.main, 0.02)
    pen.polygon([(0.0, -0.92), (w, mid), (0.0, mid)], look.second, outlined=False)
    pen.polygon([(0.0, 0.38), (-w, mid), (0.0, mid)], look.second, outlined=False)
    pen.line([(0.0, -0.9), (0.0, 0.36)], 0.02, WOOD, outlined=False)
    pen.line([(-w, mid), (w, mid)], 0.02, WOOD, outlined=False)


PAINTERS: dict[str, Painter] = {
    "guitar": _guitar,
    "drum": _drum,
    "ball": _ball,
    "hat": _hat,
    "shoe": _shoe,
    "shirt": _shirt,
    "kite": _kite,
}

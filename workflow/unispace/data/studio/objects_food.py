"""Painters of food and of what it is served in. Local frame as in `objects_vehicles`."""

from __future__ import annotations

import numpy as np

from unispace.data.studio import canvas
from unispace.data.studio.objects_look import GLASS, LEAF, WHITE, WOOD, Look, Painter, styled
from unispace.data.studio.pen import Pen, moved, oval
from unispace.data.studio.swatches import mix, shaded


def _apple(pen: Pen, look: Look) -> None:
    skin = mix(look.main, (0.85, 0.15, 0.15), 0.6)
    patch = pen.patch(0.0, 0.15, 0.75 * 1.2, 0.75)
    x = 0.27 * look.aspect
    lobes = np.minimum(
        oval(*moved(patch, -x, 0.14), 0.46, 0.64),
        oval(*moved(patch, x, 0.14), 0.46, 0.64),
    )
    pen.fill(patch, np.minimum(lobes, oval(*moved(patch, 0.0, 0.2), 0.4, 0.5)), skin)
    pen.line([(0.0, -0.3), (0.06, -0.78)], 0.045, WOOD)
    pen.ellipse(0.27, -0.62, 0.2 + 0.06 * look.a, 0.1, LEAF, -25)
    pen.ellipse(-0.38, -0.08, 0.1, 0.18, mix(skin, WHITE, 0.5), 20, outlined=False)


def _pear(pen: Pen, look: Look) -> None:
    skin = mix(look.main, (0.72, 0.80, 0.25), 0.72)
    patch = pen.patch(0.0, 0.1, 0.7, 0.85)
    w = 0.5 * look.aspect
    shape = oval(*moved(patch, 0.0, 0.38), w, 0.5)
    shape = np.minimum(shape, oval(*moved(patch, 0.0, -0.28), 0.26, 0.36))
    for x in (-1.0, 1.0):
        shape = np.minimum(
            shape, canvas.segment(patch.u, patch.v, x * 0.06, -0.2, x * 0.2, 0.26, 0.2)
        )
    pen.fill(patch, shape, skin)
    pen.line([(0.0, -0.6), (0.08 - 0.1 * look.b, -0.92)], 0.045, WOOD)
    leafy = look.style != 0
    pen.only(leafy).ellipse(0.24, -0.78, 0.2, 0.09, LEAF, -20)
    pen.ellipse(-0.2, 0.3, 0.09, 0.18, mix(skin, WHITE, 0.5), 15, outlined=False)


def _banana(pen: Pen, look: Look) -> None:
    skin = look.near((0.98, 0.85, 0.22), 0.12)
    patch = pen.patch(0.0, 0.0, 0.95, 0.75)
    outer = oval(*moved(patch, 0.0, -0.35), 0.88, 0.88)
    inner = oval(*moved(patch, 0.0, -0.68 - 0.12 * look.a), 0.86, 0.88)
    ends = np.abs(patch.u) - np.float32(0.8)
    shape = np.maximum(np.maximum(outer, -inner), np.maximum(ends, np.float32(-0.36) - patch.v))
    pen.fill(patch, shape, skin)
    rib = np.abs(oval(*moved(patch, 0.0, -0.42), 0.82, 0.76)) - np.float32(0.014)
    pen.fill(patch, np.maximum(rib, shape + np.float32(0.05)), shaded(skin, 0.75), outlined=False)
    pen.box(0.76, -0.37, 0.055, 0.1, (0.45, 0.33, 0.12), 0.02, 12)
    pen.box(-0.78, -0.33, 0.05, 0.05, (0.35, 0.25, 0.1), 0.02)


def _carrot(pen: Pen, look: Look) -> None:
    root = look.near((0.97, 0.52, 0.12), 0.12)
    for x, y in ((-0.3, -0.85), (0.0, -0.95), (0.3, -0.85)):
        pen.line([(0.0, -0.35), (x, y)], 0.07, LEAF)
    w = 0.25 * look.aspect
    pen.polygon([(-w, -0.34), (w, -0.34), (0.05, 0.88), (-0.05, 0.88)], root, 0.06)
    for x, y in ((-0.1, -0.1), (0.1, 0.12), (-0.06, 0.38)):
        pen.line([(x - 0.08, y), (x + 0.06, y)], 0.02, shaded(root, 0.7), outlined=False)


def _ice_cream(pen: Pen, look: Look) -> None:
    w = 0.4 * look.aspect
    pen.polygon([(-w, 0.0), (w, 0.0), (0.0, 0.92)], (0.87, 0.63, 0.33), 0.02)
    for x in (-0.5, 0.0, 0.5):
        pen.line(
            [(x * w, 0.03), (x * w * 0.2 + 0.08, 0.5)], 0.018, (0.66, 0.42, 0.18), outlined=False
        )
    double, lk = styled(pen, look, 1)
    double.ellipse(0.0, -0.56, 0.3, 0.3, mix(lk.second, WHITE, 0.35))
    r = 0.42 + 0.05 * look.a
    pen.ellipse(0.0, -0.18, r * look.aspect, 0.36, mix(look.main, WHITE, 0.3))
    pen.ellipse(-0.16, -0.28, 0.09, 0.07, WHITE, outlined=False)
    cherry, _ = styled(pen, look, 2)
    cherry.ellipse(0.05, -0.6, 0.12, 0.12, (0.85, 0.1, 0.15))


def _cup(pen: Pen, look: Look) -> None:
    w = 0.45 * look.aspect
    pen.ring(w + 0.08, 0.12, 0.22 + 0.06 * look.a, 0.26, 0.06, look.main)
    pen.polygon([(-w, -0.36), (w, -0.36), (w * 0.86, 0.62), (-w * 0.86, 0.62)], look.main, 0.06)
    banded, lk = styled(pen, look, 1)
    banded.box(0.0, 0.16, 0.44 * lk.aspect, 0.12, lk.second, outlined=False)
    dotted, lk = styled(pen, look, 2)
    dotted.ellipse(0.0, 0.16, 0.2, 0.2, lk.second, outlined=False)
    pen.ellipse(0.0, -0.38, w + 0.04, 0.12, mix(look.main, WHITE, 0.4))
    pen.ellipse(0.0, -0.36, w - 0.04, 0.075, (0.36, 0.22, 0.14), outlined=False)
    steam = look.b > 0.5
    for x in (-0.14, 0.14):
        pen.only(steam).line([(x, -0.55), (x + 0.06, -0.68), (x, -0.82)], 0.03, WHITE, 0.8, False)


def _bottle(pen: Pen, look: Look) -> None:
    w = 0.27 * look.aspect
    body = mix(look.main, (0.2, 0.5, 0.35), 0.3)
    shoulder = -0.2 + 0.15 * look.a
    pen.box(0.0, -0.84, 0.13, 0.08, look.second, 0.02)
    pen.polygon(
        [(-0.09, -0.76), (0.09, -0.76), (0.1, shoulder - 0.2), (w, shoulder + 0.1), (w, 0.86), (-w, 0.86), (-w, shoulder + 0.1), (-0.1, shoulder - 0.2)],
        body, 0.04,
    )  # fmt: skip
    pen.box(0.0, 0.42, w + 0.03, 0.22, mix(look.second, WHITE, 0.7), 0.02, outlined=False)
    pen.line(
        [(-w * 0.6, shoulder + 0.15), (-w * 0.6, 0.1)], 0.03, mix(body, WHITE, 0.6), outlined=False
    )


def _wine_glass(pen: Pen, look: Look) -> None:
    w = 0.4 * look.aspect
    glass = mix(look.second, GLASS, 0.85)
    pen.ellipse(0.0, 0.82, 0.36, 0.075, glass)
    pen.line([(0.0, 0.05), (0.0, 0.8)], 0.04, glass)
    patch = pen.patch(0.0, -0.42, w, 0.6)
    bowl = np.maximum(oval(*moved(patch, 0.0, -0.46), w, 0.58), np.float32(-0.84) - patch.v)
    pen.fill(patch, bowl, glass)
    level = -0.52 + 0.25 * look.a
    wine = np.maximum(bowl + np.float32(0.04), canvas.column(level) - patch.v)
    pen.fill(patch, wine, mix(look.main, (0.6, 0.05, 0.2), 0.6), outlined=False)
    pen.line([(-w * 0.65, -0.66), (-w * 0.7, -0.35)], 0.025, WHITE, outlined=False)


def _teapot(pen: Pen, look: Look) -> None:
    pen.ring(-0.6, 0.1, 0.26, 0.28 + 0.05 * look.a, 0.055, look.main)
    pen.polygon([(0.4, 0.4), (0.4, 0.0), (0.72, -0.3), (0.95, -0.34), (0.8, 0.1)], look.main, 0.02)
    pen.ellipse(0.0, 0.2, 0.58 * look.aspect, 0.5, look.main)
    banded, lk = styled(pen, look, 1)
    banded.box(0.0, 0.22, 0.55 * lk.aspect, 0.08, lk.second, outlined=False)
    dotted, lk = styled(pen, look, 2)
    for x in (-0.26, 0.0, 0.26):
        dotted.ellipse(x, 0.2, 0.08, 0.08, lk.second, outlined=False)
    pen.ellipse(0.0, -0.24, 0.32, 0.13, look.second)
    pen.ellipse(0.0, -0.43, 0.1, 0.1, look.second)
    pen.box(0.0, 0.68, 0.32, 0.045, shaded(look.main, 0.8), 0.03)


PAINTERS: dict[str, Painter] = {
    "apple": _apple,
    "pear": _pear,
    "banana": _banana,
    "carrot": _carrot,
    "ice_cream": _ice_cream,
    "cup": _cup,
    "bottle": _bottle,
    "wine_glass": _wine_glass,
    "teapot": _teapot,
}

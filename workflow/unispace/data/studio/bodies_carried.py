"""What persons carry: backpack, shoulder bag, suitcase, umbrella, shopping bag."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unispace.data.studio.bodies_outfit import Outfit
from unispace.data.studio.bodies_shape import Figure
from unispace.data.studio.canvas import Floats
from unispace.data.studio.pen import Pen, moved, oval
from unispace.data.studio.stage import Doubles
from unispace.data.studio.swatches import shaded
from unispace.data.studio.wardrobe import CARRIED

Mask = NDArray[np.bool_]


def _carriers(
    pen: Pen, fig: Figure, look: Outfit, name: str, condition: Mask | None = None
) -> tuple[Pen, Figure, Floats, Mask]:
    """Pen, figures and colours of those who carry the named thing, and their mask."""
    chosen = look.carried == CARRIED.index(name)
    if condition is not None:
        chosen &= condition
    return pen.only(chosen), fig.only(chosen), look.carried_colour[chosen], chosen


def _backpack(pen: Pen, fig: Figure, colour: Floats) -> None:
    """The pack on the back, shifted against the walking direction."""
    width = np.sqrt((0.105 * fig.facing) ** 2 + (0.07 * fig.ahead) ** 2)
    x = fig.lean - fig.ahead * (fig.shoulder * 0.8 + 0.055)
    y = (fig.shoulder_y + fig.waist_y) / 2 + 0.015
    half = (fig.waist_y - fig.shoulder_y) * 0.5 + 0.045
    pen.box(x, y, width, half, colour, 0.04)
    away = np.where(fig.facing < 0.3, 1.0, 0.0)
    pen.box(x, y + half * 0.38, width * 0.72, half * 0.38, shaded(colour, 0.75), 0.02, 0, away)


def paint_behind(pen: Pen, fig: Figure, look: Outfit) -> None:
    """Paint what the body hides: a backpack seen from the front."""
    part, f, colour, _ = _carriers(pen, fig, look, "backpack", fig.facing >= 0)
    if part.n:
        _backpack(part, f, colour)


def paint_on_torso(pen: Pen, fig: Figure, look: Outfit, on_right: Mask) -> None:
    """Paint what lies on the torso: a backpack from behind, its straps, a shoulder strap."""
    part, f, colour, _ = _carriers(pen, fig, look, "backpack", fig.facing < 0)
    if part.n:
        _backpack(part, f, colour)
    part, f, colour, _ = _carriers(pen, fig, look, "backpack", fig.facing > 0.3)
    for side in (-1.0, 1.0):
        x = f.lean + side * f.shoulder * 0.55
        part.line(
            [(x, f.shoulder_y), (x, f.waist_y - 0.02)], 0.013, shaded(colour, 0.8), outlined=False
        )
    part, f, colour, chosen = _carriers(pen, fig, look, "shoulder_bag")
    side = _side(f, on_right[chosen])
    part.line(
        [(f.lean - side * f.shoulder * 0.6, f.shoulder_y), (side * f.hip, f.hip_y)],
        0.011,
        shaded(colour, 0.6),
        1,
        False,
    )


def paint_beside(pen: Pen, fig: Figure, look: Outfit, on_right: Mask) -> None:
    """Paint bags and cases at the side of the body."""
    part, f, colour, chosen = _carriers(pen, fig, look, "shoulder_bag")
    side = _side(f, on_right[chosen])
    x = side * (f.hip + 0.03)
    part.box(x, f.hip_y + 0.03, 0.075, 0.058, colour, 0.018)
    part.box(x, f.hip_y + 0.005, 0.075, 0.026, shaded(colour, 0.75), 0.012, outlined=False)

    part, f, colour, chosen = _carriers(pen, fig, look, "shopping_bag")
    x, y = _hand(f, on_right[chosen])
    part.ring(x, y + 0.02, 0.03, 0.035, 0.006, shaded(colour, 0.6), outlined=False)
    part.polygon(
        [
            (x - 0.055, y + 0.035),
            (x + 0.055, y + 0.035),
            (x + 0.07, y + 0.17),
            (x - 0.07, y + 0.17),
        ],
        colour,
    )

    part, f, colour, chosen = _carriers(pen, fig, look, "suitcase")
    _suitcase(part, f, colour, on_right[chosen])


def _suitcase(pen: Pen, fig: Figure, colour: Floats, on_right: Mask) -> None:
    """A wheeled case; it trails behind when the person walks across the picture."""
    side = np.where(np.abs(fig.ahead) > 0.4, -np.sign(fig.ahead), np.where(on_right, 1.0, -1.0))
    x = side * (fig.hip + 0.125)
    hand_x, hand_y = _hand(fig, side > 0)
    pen.line([(x, -0.25), (hand_x, hand_y)], 0.009, (0.3, 0.3, 0.32), outlined=False)
    pen.ellipse(x - 0.05, -0.012, 0.02, 0.02, (0.1, 0.1, 0.1), outlined=False)
    pen.ellipse(x + 0.05, -0.012, 0.02, 0.02, (0.1, 0.1, 0.1), outlined=False)
    pen.box(x, -0.145, 0.078, 0.12, colour, 0.022)
    pen.box(x, -0.145, 0.014, 0.105, shaded(colour, 0.75), 0.005, outlined=False)


def paint_above(pen: Pen, fig: Figure, look: Outfit) -> None:
    """Paint an open umbrella over the head."""
    part, f, colour, _ = _carriers(pen, fig, look, "umbrella")
    if not part.n:
        return
    x, grip = f.near_arm.end
    y = 0.06 - f.height
    part.line([(x, y - 0.05), (x, grip + 0.04)], 0.009, (0.25, 0.22, 0.2), outlined=False)
    patch = part.patch(x, y - 0.03, 0.27, 0.17)
    u, v = moved(patch, x, y + 0.03)
    dome = np.maximum(oval(u, v, 0.26, 0.18), v + np.float32(0.03))
    part.fill(patch, dome, colour)
    gore = np.maximum(np.maximum(oval(u, v, 0.1, 0.18), v + np.float32(0.03)), dome)
    part.fill(patch, gore, shaded(colour, 0.82), outlined=False)


def _side(fig: Figure, on_right: Mask) -> Doubles:
    """Picture side, -1 or 1, of the hand that carries: it changes sides when seen from behind."""
    return np.where(on_right == (fig.facing >= 0), 1.0, -1.0)


def _hand(fig: Figure, right: Mask) -> tuple[Doubles, Doubles]:
    """The hand that is further to the right, or to the left, in the picture."""
    near, far = fig.near_arm.end, fig.far_arm.end
    take_near = (near[0] > far[0]) == right
    return np.where(take_near, near[0], far[0]), np.where(take_near, near[1], far[1])

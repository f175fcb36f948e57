"""On the face: blush, freckles, single marks, beards and glasses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unispace.data.studio import faces_factors as factors
from unispace.data.studio.canvas import Floats, box, column, ellipse, segment, turned
from unispace.data.studio.faces_features import everyone
from unispace.data.studio.faces_geometry import MOUTH_Y, at, traits
from unispace.data.studio.faces_portrait import INK, Portrait, mix, palette
from unispace.data.studio.faces_pose import Window, fixed, stroke
from unispace.data.studio.faces_scene import seeded

# Per style: half width, half height, corner radius, tilt, half thickness of the rim.
LENSES = {
    "none": (0.1, 0.1, 0.1, 0.0, 0.01),
    "round": (0.135, 0.135, 0.135, 0.0, 0.014),
    "square": (0.145, 0.115, 0.03, 0.0, 0.022),
    "slim": (0.145, 0.075, 0.05, 0.0, 0.012),
    "cat_eye": (0.15, 0.105, 0.075, 14.0, 0.022),
    "aviator": (0.15, 0.135, 0.105, -8.0, 0.010),
}


def cheeks(portrait: Portrait) -> None:
    """Blush, freckles and the single marks."""
    identity, rows = portrait.identity, everyone(portrait)
    rosy = mix(portrait.skin, (0.93, 0.36, 0.34), 0.55)
    for side in (-1.0, 1.0):
        frame = at(portrait.pose, side * 0.22, 0.20)
        with portrait.canvas.window(rows, frame.cx, frame.cy, 0.22, 0.22) as part:
            part.keep_within(portrait.bare)
            x, y = frame.local(part)
            glow = np.clip(1 - (x * x + y * y * 2) * np.float32(62), 0, 1)
            part.paint(glow, rosy, fixed(identity["blush"]) * frame.visible())
    _freckles(portrait, portrait.rows(identity["mark"] == "freckles"))
    for kind in ("mole", "scar", "birthmark"):
        chosen = portrait.rows(identity["mark"] == kind)
        if len(chosen):
            _mark(portrait, chosen, kind)


def _freckles(portrait: Portrait, rows: NDArray[np.intp]) -> None:
    """Dots over nose and cheeks, placed by the identity's own mark factors."""
    if not len(rows):
        return
    tone = fixed(portrait.skin[rows].astype(np.float64) * np.array([0.76, 0.62, 0.54]))
    frame = at(portrait.pose, 0.0, 0.16).take(rows)
    seeds = np.round(portrait.identity["mark_x"][rows] * 1e6).astype(np.int64)
    throws = (seeded(seeds, 28) >> np.uint32(16)) / 65535.0
    with portrait.canvas.window(rows, frame.cx, frame.cy, 0.46, 0.26) as part:
        part.keep_within(portrait.bare)
        x, y = frame.local(part)
        cover = np.zeros_like(x)
        for i in range(14):
            side = 1.0 if i % 2 else -1.0
            px, py = side * (0.05 + 0.24 * throws[:, 2 * i]), -0.03 + 0.13 * throws[:, 2 * i + 1]
            dx, dy = x - column(fixed(px)), y - column(fixed(py))
            np.maximum(
                cover, part.coverage(np.sqrt(dx * dx + dy * dy) - np.float32(0.014)), out=cover
            )
        part.paint(cover, tone, frame.visible() * np.float32(0.9))


def _mark(portrait: Portrait, rows: NDArray[np.intp], kind: str) -> None:
    identity, tone = portrait.identity, portrait.skin[rows].astype(np.float64)
    frame = at(portrait.pose, identity["mark_x"], identity["mark_y"]).take(rows)
    size = identity["mark_size"][rows]
    with portrait.canvas.window(rows, frame.cx, frame.cy, 0.22, 0.22) as part:
        part.keep_within(portrait.bare)
        x, y = frame.local(part)
        if kind == "mole":
            shape = ellipse(x, y, fixed(size * 0.9), fixed(size * 0.9))
            colour = fixed(tone * np.array([0.34, 0.24, 0.22]))
        elif kind == "scar":
            shape = segment(x, y, -0.05, fixed(-2.4 * size), 0.03, fixed(2.4 * size), 0.016)
            colour = mix(tone * np.array([0.86, 0.6, 0.58]), (0.8, 0.45, 0.45), 0.4)
        else:
            shape = ellipse(x, y, fixed(size * 2.2), fixed(size * 2.8))
            colour = fixed(tone * np.array([0.78, 0.52, 0.50]))
        opacity = np.float32(0.7 if kind == "birthmark" else 1.0)
        part.paint(part.coverage(shape), colour, opacity * frame.visible())


def beard(portrait: Portrait) -> None:
    """Beards and moustaches of those who have them, drawn before the mouth."""
    style = portrait.identity["beard"]
    rows = portrait.rows(style != "none")
    if not len(rows):
        return
    style, pose = style[rows], portrait.pose
    s = column(fixed(pose.scale[rows]))
    mouth_y = MOUTH_Y + portrait.identity["mouth_height"]
    frame = at(portrait.pose, 0.0, mouth_y).take(rows)
    half = fixed(portrait.identity["mouth_width"][rows])
    colour = mix(portrait.hair[rows], INK, 0.15)
    with portrait.canvas.window(rows, frame.cx, frame.cy, 0.7, 0.56) as part:
        x, y = frame.local(part)
        face = part.crop(portrait.face)
        lip = ellipse(x, y - np.float32(0.005), half + np.float32(0.025), 0.062)
        jaw = (
            np.maximum(
                -y - np.float32(0.075) - x * x * np.float32(1.6) + np.abs(x) * np.float32(0.12),
                -lip,
            )
            * s
        )
        whole = np.maximum(jaw, face - np.float32(0.045))
        tight = np.maximum(jaw, face)
        strap = np.maximum(tight, -face - np.float32(0.085))
        chin = np.maximum(ellipse(x, y - np.float32(0.15), half * np.float32(0.9), 0.12), -lip) * s
        chin = np.minimum(
            chin, ellipse(x, y + np.float32(0.075), half * np.float32(0.9), 0.034) * s
        )
        bar = ellipse(x, y + np.float32(0.072) - x * x, half * np.float32(1.15), 0.036) * s
        ends = np.abs(np.abs(x) - column(half * np.float32(1.05)))
        ends = (
            np.maximum(ends - np.float32(0.032), np.abs(y - np.float32(0.03)) - np.float32(0.12))
            * s
        )
        shapes = {
            "stubble": (tight, 0.38), "full": (whole, 1.0), "strap": (strap, 1.0), "goatee": (chin, 1.0),
            "moustache": (bar, 1.0), "handlebar": (np.minimum(bar, ends), 1.0),
        }  # fmt: skip
        worn, opacity = np.empty(part.shape, np.float32), np.empty(len(rows))
        for name, (shape, strength) in shapes.items():
            mine = np.flatnonzero(style == name)
            worn[mine], opacity[mine] = shape[mine], strength
        cover = part.coverage(worn)
        part.paint(cover, colour, fixed(opacity))
        portrait.cover(part, cover * column(style == "full"))


def glasses(portrait: Portrait) -> None:
    """Glasses as part of an identity, and sunglasses as something in the way."""
    worn, shaded = portrait.identity["glasses"], portrait.view["occluder"] == "sunglasses"
    rows = portrait.rows((worn != "none") | shaded)
    if not len(rows):
        return
    style = np.where(shaded, "aviator", worn)[rows]
    shaded = shaded[rows]
    half, tall, corner, tilt, rim = traits(style, LENSES)
    colour = palette(portrait.identity["glasses_colour"][rows], factors.GLASSES_COLOURS)
    colour = fixed(np.where(shaded[:, None], INK, colour))
    tint = fixed(np.where(shaded[:, None], 0.10, 0.92) + np.zeros((len(rows), 3)))
    opacity = fixed(np.where(shaded, 0.96, 0.14))
    y0, gap = portrait.identity["eye_height"] + 0.025, portrait.identity["eye_spacing"]
    bridge = at(portrait.pose, 0.0, y0 - 0.03, 0.10).take(rows)
    with portrait.canvas.window(rows, bridge.cx, bridge.cy, 0.68, 0.4) as part:
        for side in (-1.0, 1.0):
            offset = side * (gap + 0.012)
            frame = at(portrait.pose, offset, y0, 0.05).take(rows)
            x, y = frame.local(part)
            x, y = turned(x * np.float32(side), y, 0, 0, -tilt)
            lens = box(x, y, fixed(half), fixed(tall), fixed(corner))
            seen = fixed(np.clip(frame.facing * 8 + 0.5, 0, 1))
            part.paint(part.coverage(lens), tint, opacity * seen)
            part.paint(part.coverage(np.abs(lens) - column(fixed(rim))), colour, seen)
            _temple(portrait, part, rows, (side, offset, y0), colour)
        x, y = bridge.local(part)
        nose_piece = segment(x, y, -0.06, 0.012, 0.06, 0.012, fixed(rim))
        part.paint(part.coverage(nose_piece), colour)


def _temple(
    portrait: Portrait,
    part: Window,
    rows: NDArray[np.intp],
    place: tuple[float, NDArray, NDArray],
    colour: Floats,
) -> None:
    """The arm of the glasses from the lens to the ear, where the side of the head is in sight."""
    side, offset, y0 = place
    pose = portrait.pose
    hinge = pose.place((offset + side * 0.13, y0 - 0.03, 0.72 * pose.c))
    ear = pose.place((side * 1.0 * pose.a, y0 - 0.02, -0.02 * pose.c))
    facing = fixed(np.clip((-side * pose.sin_yaw + 0.1) * 6, 0, 1))[rows]
    start = (fixed(hinge[0])[rows], fixed(hinge[1])[rows])
    arm = stroke(part, start, (fixed(ear[0])[rows], fixed(ear[1])[rows]), 0.014)
    part.paint(part.coverage(arm), colour, facing)

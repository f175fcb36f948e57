"""The face itself: skin, ears, eyes, brows, nose and mouth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unispace.data.studio import faces_factors as factors
from unispace.data.studio import faces_geometry as geometry
from unispace.data.studio.canvas import Floats, column, ellipse, segment, turned
from unispace.data.studio.faces_portrait import INK, Portrait, mix, palette
from unispace.data.studio.faces_pose import Doubles, Pose, Window, fixed, stroke


def everyone(portrait: Portrait) -> NDArray[np.intp]:
    """Numbers of all images."""
    return np.arange(portrait.canvas.n)


def ears(portrait: Portrait, behind: bool, among: NDArray[np.intp]) -> None:
    """Both ears of some images: either what is behind the head's outline or what is in front."""
    pose, size = portrait.pose, portrait.identity["ear_size"]
    skin = portrait.skin.astype(np.float64)
    inner = fixed(skin * np.array([0.84, 0.72, 0.70]))
    stand = 0.45 + 0.5 * portrait.identity["ear_tilt"]
    none = 0 * pose.a
    for side in (-1.0, 1.0):
        root = (side * 0.97 * pose.a, none + 0.04, none - 0.06)
        _, _, near = pose.place(root)
        # Fading over a range of turns keeps an ear from popping up between two pictures.
        front = np.clip(near * 8 + 0.4, 0, 1)
        opacity = fixed(np.ones_like(near) if behind else front)
        rows = among[opacity[among] > 0]
        opacity = opacity[rows]
        flat = pose.frame(root, (none + 1, none, none), (none, none + 1, none))
        wide = fixed(pose.scale * size * np.maximum(np.abs(_reach(pose, side, stand)), 0.3))[rows]
        tall = fixed(pose.scale * size * 1.25)[rows]
        shift = fixed(pose.scale * size * 0.6 * _reach(pose, side, stand))[rows]
        with portrait.canvas.window(rows, flat.cx[rows], flat.cy[rows], 0.28, 0.28) as part:
            x, y = turned(part.x, part.y, flat.cx[rows], flat.cy[rows], pose.roll[rows])
            x = x - column(shift)
            shell = ellipse(x, y, wide, tall)
            part.paint(part.coverage(shell), fixed(skin * 0.97)[rows], opacity)
            hollow = ellipse(x, y, wide * np.float32(0.55), tall * np.float32(0.62))
            part.paint(part.coverage(hollow), inner[rows], opacity)


def _reach(pose: Pose, side: float, stand: Doubles) -> Doubles:
    """How far an ear stretches across the image: positive to the right."""
    return pose.cos_yaw * side * stand - pose.sin_yaw * 0.9


def skin(portrait: Portrait) -> None:
    """The bare head: the face's outline joined to the skull behind it."""
    portrait.canvas.paint(portrait.bare, portrait.skin)


def nose(portrait: Portrait) -> None:
    """A raised ridge with a shadow on the side away from the light and below the tip."""
    view, pose = portrait.view, portrait.pose
    tone = portrait.skin.astype(np.float64)
    dark, deep = (
        fixed(tone * np.array([0.80, 0.72, 0.70])),
        fixed(tone * np.array([0.60, 0.46, 0.44])),
    )
    bright = mix(tone, (1, 1, 1), 0.16)
    shape = geometry.nose(pose, portrait.identity)
    half, bridge, tip = shape.half, shape.bridge, shape.tip
    s = pose.scale
    away = fixed(-np.sign(view["light_azimuth"]) * half * 0.45 * s)
    with portrait.canvas.window(
        everyone(portrait), fixed(tip[0]), fixed(tip[1] - 0.05), 0.34, 0.36
    ) as part:
        x, y = shape.foot.local(part)
        under = ellipse(x, y, fixed(half * 1.15), fixed(0.30 * half + 0.014))
        part.paint(part.coverage(under, 2.5), deep, 0.75)
        top, end = (fixed(bridge[0]), fixed(bridge[1])), (fixed(tip[0]), fixed(tip[1]))
        shadow = stroke(
            part, (top[0] + away, top[1]), (end[0] + away, end[1]), fixed(half * 0.55 * s)
        )
        part.paint(part.coverage(shadow, 2.0), dark, 0.8)
        for side in (-1.0, 1.0):
            wing = ellipse(x - column(fixed(side * half * shape.WING[0])), y - np.float32(shape.WING[1]),
                           fixed(half * 0.46), fixed(half * 0.42 + 0.01))  # fmt: skip
            part.paint(part.coverage(wing), dark)
        ridge = stroke(part, top, end, fixed(half * 0.42 * s))
        part.paint(part.coverage(ridge, 1.5), portrait.skin)
        dx, dy = part.x - column(fixed(tip[0])), part.y - column(fixed(tip[1]))
        ball = ellipse(dx, dy, fixed(half * 0.72 * s), fixed((half * 0.5 + 0.012) * s))
        part.paint(part.coverage(ball), portrait.skin)
        glint = ellipse(dx + column(away) * np.float32(0.5), dy + np.float32(0.02),
                        fixed(half * 0.35 * s), fixed(half * 0.3 * s))  # fmt: skip
        part.paint(part.coverage(glint, 1.5), bright)


def eyes(portrait: Portrait) -> None:
    """Eyes and brows of both sides."""
    identity = portrait.identity
    iris = fixed(palette(identity["eye_colour"], factors.EYE_COLOURS))
    white = mix(portrait.skin, (1, 1, 1), 0.86)
    brow = mix(portrait.hair, INK, 0.35)
    for side in (-1.0, 1.0):
        shape = geometry.eye(portrait.pose, identity, portrait.view, side)
        frame = shape.frame
        with portrait.canvas.window(
            everyone(portrait), frame.cx, frame.cy - np.float32(0.05), 0.28, 0.3
        ) as part:
            part.keep_within(portrait.bare)
            x, y = frame.local(part)
            x = x * np.float32(side)  # inner corner at negative x on both sides
            _eye(portrait, part, (x, y), shape, (iris, white))
            _brow(portrait, part, (x, y), shape, brow)


def _eye(
    portrait: Portrait,
    part: Window,
    place: tuple[Floats, Floats],
    eye: geometry.Eye,
    colours: tuple[Floats, Floats],
) -> None:
    (iris, white), identity, seen = colours, portrait.identity, eye.frame.visible()
    x, y = turned(*place, 0, 0, -eye.angle)
    half, tall = eye.half, eye.tall
    w, h = column(fixed(half)), column(fixed(tall))
    u = x / w
    pointed = np.abs(y) - h * (1 - u * u)
    pointed /= np.sqrt(1 + 4 * (h / w) ** 2 * np.minimum(u * u, 1))
    rounded = ellipse(x, y, fixed(half), fixed(tall))
    shape = rounded + column(fixed(eye.lens)) * (pointed - rounded)
    shape = np.maximum(shape, -y - h * column(fixed(eye.cut)))
    # The lash line first: the eye painted over it leaves the rim, heavier above.
    lash = fixed(0.016 + 0.016 * identity["lashes"])
    above = np.clip(np.float32(0.5) - y / (h + np.float32(0.02)), 0.22, 1)
    part.paint(part.coverage(shape - column(lash)) * above, INK, seen)
    inside = part.coverage(shape) * column(fixed(np.clip(eye.opening * 4 - 0.4, 0, 1)))
    part.paint(inside, white, seen)
    radius = 0.058 * (0.5 + 0.5 * identity["eye_size"])
    dx = x - column(fixed(eye.gaze[0]))
    dy = y - column(fixed(eye.gaze[1]))
    ball = np.sqrt(dx * dx + dy * dy)
    disc = ball - column(fixed(radius))
    part.paint(part.coverage(disc - np.float32(0.010)) * inside, mix(iris, INK, 0.6), seen)
    part.paint(part.coverage(disc + np.float32(0.004)) * inside, iris, seen)
    part.paint(part.coverage(ball - column(fixed(radius * 0.45))) * inside, INK, seen)
    gx, gy = dx - np.float32(0.024 * eye.side), dy + np.float32(0.026)
    part.paint(
        part.coverage(np.sqrt(gx * gx + gy * gy) - np.float32(0.017)) * inside, (1, 1, 1), seen
    )


def _brow(
    portrait: Portrait,
    part: Window,
    place: tuple[Floats, Floats],
    eye: geometry.Eye,
    colour: Floats,
) -> None:
    x, y = turned(*place, 0, 0, -eye.brow_angle)
    y = y + column(fixed(eye.brow_height)) - np.float32(geometry.BROW_LOWERED)
    thick = fixed(portrait.identity["brow_thickness"])
    inside, bend, outside = geometry.BROW
    inner = segment(x, y, *inside, *bend, thick)
    outer = segment(x, y, *bend, *outside, thick * np.float32(0.75))
    part.paint(part.coverage(np.minimum(inner, outer)), colour, eye.frame.visible())


def mouth(portrait: Portrait) -> None:
    """Lips, bent by the smile and parted by an open mouth with teeth and tongue."""
    identity = portrait.identity
    tone = portrait.skin.astype(np.float64)
    rose = np.array([0.78, 0.24, 0.27]) * (0.55 + 0.45 * tone[:, :1])
    lips = mix(tone * np.array([0.80, 0.60, 0.58]), rose, identity["lip_colour"])
    upper = fixed(lips.astype(np.float64) * 0.82)
    shape = geometry.mouth(portrait.pose, identity, portrait.view)
    frame, gap, half = shape.frame, shape.gap, shape.half
    full = identity["lip_fullness"]
    with portrait.canvas.window(everyone(portrait), frame.cx, frame.cy, 0.36, 0.3) as part:
        part.keep_within(portrait.bare)
        x, y = frame.local(part)
        u = x / column(fixed(half))
        y = y + column(fixed(shape.bend)) * (np.minimum(u * u, 1.6) - np.float32(shape.LIFTED))
        y = y - column(fixed(shape.drop))
        top = ellipse(x, y, fixed(half), fixed(shape.above))
        low = ellipse(x, y, fixed(half * 0.92), fixed(shape.below))
        seen = frame.visible()
        shade = ellipse(x, y - column(fixed(full + gap + 0.035)), fixed(half * 0.5), 0.014)
        part.paint(
            part.coverage(shade, 2.0),
            fixed(tone * np.array([0.80, 0.70, 0.68])),
            seen * np.float32(0.7),
        )
        part.paint(part.coverage(np.maximum(top, y)), upper, seen)
        part.paint(part.coverage(np.maximum(low, -y)), lips, seen)
        line = ellipse(x, y, fixed(half * 1.04), fixed(0.009 + gap))
        part.paint(part.coverage(line), fixed(tone * 0 + np.array([0.30, 0.08, 0.09])), seen)
        hole = part.coverage(
            ellipse(x, y, fixed(half * 0.90), fixed(np.maximum(gap - 0.008, 0.001)))
        )
        wide = fixed(np.clip(gap * 40, 0, 1)) * seen
        tongue = ellipse(x, y - column(fixed(gap)), fixed(half * 0.55), fixed(gap * 0.6 + 0.001))
        part.paint(hole * part.coverage(tongue), (0.80, 0.36, 0.38), wide)
        part.paint(hole * part.coverage(y + column(fixed(0.25 * gap))), (0.97, 0.96, 0.93), wide)

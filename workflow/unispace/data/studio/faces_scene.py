"""Around the head: background, neck, shoulders, and what happens to be in the way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unispace.data.studio.canvas import (
    Floats,
    blocks,
    box,
    column,
    ellipse,
    polygon,
    rotation,
    segment,
    turned,
)
from unispace.data.studio.faces_hair import STYLES
from unispace.data.studio.faces_portrait import INK, Portrait, hsv, mix
from unispace.data.studio.faces_pose import Window, fixed

LATTICE = 7  # points along a side of the cloud pattern
HALF_BYTES = np.uint32(0xFFFF)


def scramble(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Hash 32-bit numbers into 32-bit numbers (lowbias32), the same on every machine."""
    mixed = values ^ (values >> np.uint32(16))
    mixed *= np.uint32(0x7FEB352D)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(0x846CA68B)
    mixed ^= mixed >> np.uint32(16)
    return mixed


def seeded(seeds: NDArray, count: int) -> NDArray[np.uint32]:
    """`count` hashed numbers per seed, `(n, count)`."""
    start = scramble(np.asarray(seeds, dtype=np.int64).astype(np.uint32))
    return scramble(start[:, None] + np.arange(count, dtype=np.uint32))


def background(portrait: Portrait) -> None:
    """A gradient between two colours, carrying a pattern for some."""
    canvas, view = portrait.canvas, portrait.view
    hue, value = view["background_hue"], view["background_value"]
    first = hsv(hue, view["background_saturation"], value)
    second = hsv(
        hue + view["background_turn"],
        view["background_saturation"],
        np.clip(value + view["background_step"], 0.12, 1),
    )
    (cos, sin), step = (column(v) for v in rotation(view["background_angle"])), second - first
    for some in blocks(canvas.n, canvas.size * canvas.size):
        share = canvas.x * cos[some] + canvas.y * sin[some]
        share *= np.float32(0.4)
        share += np.float32(0.5)
        np.clip(share, 0, 1, out=share)
        for channel, plane in enumerate(canvas.planes[:, some]):
            np.multiply(share, column(step[some, channel]), out=plane)
            plane += column(first[some, channel])
    third = hsv(
        hue - 0.5 * view["background_turn"], view["background_saturation"] * 0.8, value * 0.72
    )
    for kind, draw in PATTERNS.items():
        rows = portrait.rows(view["pattern"] == kind)
        for part, some in canvas.whole(rows):
            coverage = draw(part, {k: v[some] for k, v in view.items()})
            part.paint(coverage, third[some], 0.6)


def _wave(x: Floats) -> Floats:
    """A triangle wave of period 1 between 0 and 1."""
    return np.abs(x - np.floor(x + np.float32(0.5))) * 2


def _grid(part: Window, view: dict[str, NDArray]) -> tuple[Floats, Floats, Floats]:
    """Turned coordinates counted in pattern periods, and the softness of an edge in them."""
    x, y = turned(part.x, part.y, 0, 0, view["background_angle"])
    period = column(fixed(view["pattern_scale"]))
    return x / period, y / period, part.edge / period


def _stripes(part: Window, view: dict[str, NDArray]) -> Floats:
    x, _, edge = _grid(part, view)
    return np.clip((_wave(x) - np.float32(0.5)) / (4 * edge) + np.float32(0.5), 0, 1)


def _checks(part: Window, view: dict[str, NDArray]) -> Floats:
    x, y, edge = _grid(part, view)
    u, v = _wave(x) - np.float32(0.5), _wave(y) - np.float32(0.5)
    u, v = np.clip(u / (4 * edge), -0.5, 0.5), np.clip(v / (4 * edge), -0.5, 0.5)
    return np.float32(0.5) - 2 * u * v


def _dots(part: Window, view: dict[str, NDArray]) -> Floats:
    x, y, edge = _grid(part, view)
    u, v = _wave(x), _wave(y)
    return np.clip((np.float32(0.55) - np.sqrt(u * u + v * v)) / (4 * edge) + np.float32(0.5), 0, 1)


def _clouds(part: Window, view: dict[str, NDArray]) -> Floats:
    """Bilinear interpolation of random heights on a coarse lattice."""
    heights = seeded(view["pattern_seed"], LATTICE * LATTICE) >> np.uint32(16)
    heights = (heights.astype(np.float32) / np.float32(65535)).reshape(-1, LATTICE, LATTICE)
    place = (np.arange(part.size, dtype=np.float32) + np.float32(0.5)) * np.float32(
        (LATTICE - 1) / part.size
    )
    low = place.astype(np.intp)
    share = place - low.astype(np.float32)
    lines = heights[:, low] + share[None, :, None] * (heights[:, low + 1] - heights[:, low])
    smooth = lines[:, :, low] + share * (lines[:, :, low + 1] - lines[:, :, low])
    return np.clip(smooth * 2 - np.float32(0.5), 0, 1)


def _panels(part: Window, view: dict[str, NDArray]) -> Floats:
    """Three boxes, like pictures or windows on a wall."""
    throws = (seeded(view["pattern_seed"], 12) >> np.uint32(16)) / 65535.0
    cover = np.zeros(part.shape, np.float32)
    for i in range(3):
        x, y, w, h = throws[:, 4 * i : 4 * i + 4].T
        shape = box(
            part.x - column(fixed(2 * x - 1)),
            part.y - column(fixed(1.6 * y - 1)),
            fixed(0.12 + 0.22 * w),
            fixed(0.12 + 0.3 * h),
        )
        np.maximum(cover, part.coverage(shape), out=cover)
    return cover


PATTERNS = {
    "stripes": _stripes, "checks": _checks, "dots": _dots, "clouds": _clouds, "panels": _panels,
}  # fmt: skip


def shoulders(portrait: Portrait) -> None:
    """Clothed shoulders, lit from one side."""
    canvas, view, pose = portrait.canvas, portrait.view, portrait.pose
    everyone, rise = np.arange(canvas.n), fixed(pose.scale * 1.25)
    side = fixed(view["light_contrast"] * np.sign(view["light_azimuth"]) * 0.22)
    # From the bottom of the image up to the highest shoulder.
    highest = float((pose.cy + pose.scale * 0.65).min()) - 6 * float(canvas.edge)
    with canvas.window(everyone, 0, 1, 1, max((1 - highest) / 2, 0)) as part:
        x, y = part.x - column(fixed(pose.cx)), part.y - column(fixed(pose.cy))
        shape = ellipse(x, y - column(rise), fixed(pose.scale * 0.86), fixed(pose.scale * 0.60))
        lit = np.clip(1 + x * column(side), 0, 2)
        cover = part.coverage(shape)
        part.paint(cover, portrait.cloth)
        part.planes *= 1 + cover * (lit - 1)


def neck(portrait: Portrait) -> None:
    """The neck with the shadow of the chin, and the collar around it."""
    pose, skin = portrait.pose, portrait.skin.astype(np.float64)
    everyone = np.arange(portrait.canvas.n)
    with portrait.canvas.window(everyone, fixed(pose.cx), fixed(pose.cy + 0.7), 0.5, 0.62) as part:
        x, y = part.x - column(fixed(pose.cx)), part.y - column(fixed(pose.cy))
        s = pose.scale
        half = fixed(s * pose.a * (0.5 + 0.12 * portrait.identity["jaw_square"]))
        shape = box(x, y - column(fixed(0.5 * s)), half, fixed(0.34 * s), fixed(0.15 * s))
        cover = part.coverage(shape)
        part.paint(cover, fixed(skin * 0.86))
        shadow = np.clip(1 - part.crop(portrait.face) / np.float32(0.16), 0, 1)
        part.paint(cover * shadow, fixed(skin * np.array([0.62, 0.58, 0.60])))
    for kind, draw in COLLARS.items():
        rows = portrait.rows(portrait.view["collar"] == kind)
        if len(rows):
            cx, cy, s = (v[rows] for v in (pose.cx, pose.cy, pose.scale))
            with portrait.canvas.window(rows, fixed(cx), fixed(cy + 0.8 * s), 0.46, 0.42) as part:
                x, y = part.x - column(fixed(cx)), part.y - column(fixed(cy))
                draw(
                    part,
                    x / column(fixed(s)),
                    y / column(fixed(s)),
                    portrait.cloth[rows],
                    skin[rows],
                )


def _crew(part: Window, x: Floats, y: Floats, cloth: Floats, skin: NDArray) -> None:
    del skin
    ring = np.abs(ellipse(x, y - np.float32(0.67), 0.27, 0.11)) - np.float32(0.025)
    part.paint(
        part.coverage(ring) * part.coverage(np.float32(0.67) - y), mix(cloth, (0, 0, 0), 0.3)
    )


def _trimmed(part: Window, x: Floats, y: Floats, cloth: Floats, skin: NDArray) -> None:
    del skin
    ring = np.abs(ellipse(x, y - np.float32(0.67), 0.28, 0.13)) - np.float32(0.05)
    part.paint(
        part.coverage(ring) * part.coverage(np.float32(0.67) - y), mix(cloth, (1, 1, 1), 0.7)
    )


def _vee(part: Window, x: Floats, y: Floats, cloth: Floats, skin: NDArray) -> None:
    del cloth
    cut = polygon(x, y, [(-0.2, 0.62), (0.2, 0.62), (0.0, 0.95)])
    part.paint(part.coverage(cut), fixed(skin * 0.86))


def _turtleneck(part: Window, x: Floats, y: Floats, cloth: Floats, skin: NDArray) -> None:
    del skin
    tube = box(x, y - np.float32(0.74), 0.27, 0.16, 0.08)
    part.paint(part.coverage(tube), mix(cloth, (0, 0, 0), 0.12))


def _shirt(part: Window, x: Floats, y: Floats, cloth: Floats, skin: NDArray) -> None:
    del skin
    for side in (-1, 1):
        wing = polygon(x * side, y, [(0.0, 0.80), (0.14, 0.54), (0.34, 0.70), (0.17, 0.96)])
        part.paint(part.coverage(wing), mix(cloth, (1, 1, 1), 0.75))


COLLARS = {
    "crew": _crew,
    "striped": _trimmed,
    "vee": _vee,
    "turtleneck": _turtleneck,
    "shirt": _shirt,
}


def occluders(portrait: Portrait) -> None:
    """A hand, scarf, medical mask or cap in front of some heads."""
    view = portrait.view
    for kind, draw in OCCLUDERS.items():
        rows = portrait.rows(view["occluder"] == kind)
        if len(rows):
            tint = hsv(
                view["occluder_hue"][rows], np.full(len(rows), 0.5), np.full(len(rows), 0.68)
            )
            with portrait.canvas.window(rows, 0, 0, 1, 1) as part:
                cover = draw(portrait, part, rows, tint)
                portrait.cover(part, cover)


def _hand(portrait: Portrait, part: Window, rows: NDArray[np.intp], tint: Floats) -> Floats:
    """Four fingers and a palm from below, over a cheek; always in the portrait's own skin."""
    del tint
    pose, skin = portrait.pose, portrait.skin[rows].astype(np.float64)
    side = np.where(portrait.view["occluder_side"][rows] == "left", -1.0, 1.0)
    x = (part.x - column(fixed(pose.cx[rows]))) * column(fixed(side / pose.scale[rows]))
    y = (part.y - column(fixed(pose.cy[rows]))) / column(fixed(pose.scale[rows]))
    arm = segment(x, y, 0.5, 1.2, 0.38, 0.62, 0.13)
    palm = np.minimum(arm, ellipse(x - np.float32(0.33), y - np.float32(0.55), 0.19, 0.17))
    part.paint(part.coverage(palm), fixed(skin * 0.96))
    cover = part.coverage(palm)
    for ax, ay, bx, by in ((0.44, 0.5, 0.47, 0.12), (0.36, 0.48, 0.36, 0.05), (0.28, 0.48, 0.24, 0.07),
                           (0.2, 0.52, 0.13, 0.2)):  # fmt: skip
        finger = segment(x, y, ax, ay, bx, by, 0.052)
        part.paint(part.coverage(finger - np.float32(0.014)), fixed(skin * 0.7))
        part.paint(part.coverage(finger), fixed(np.clip(skin * 1.03, 0, 1)))
        cover = np.maximum(cover, part.coverage(finger))
    return cover


def _below(
    portrait: Portrait, part: Window, rows: NDArray[np.intp], y: float, curve: float
) -> Floats:
    """Distance to the part of the head below a line bent upwards at the sides."""
    u, v = portrait.pose.on_face(0 * portrait.pose.a, y).take(rows).local(part)
    return column(fixed(portrait.pose.scale[rows])) * (-v - np.float32(curve) * u * u)


def _scarf(portrait: Portrait, part: Window, rows: NDArray[np.intp], tint: Floats) -> Floats:
    wrap = np.maximum(
        portrait.face[rows] - np.float32(0.07), _below(portrait, part, rows, 0.26, -0.3)
    )
    pose = portrait.pose
    x, y = part.x - column(fixed(pose.cx[rows])), part.y - column(fixed(pose.cy[rows] + 0.62))
    wrap = np.minimum(wrap, box(x, y, fixed(0.36 * pose.scale[rows]), 0.14, 0.12))
    cover = part.coverage(wrap)
    part.paint(cover, tint)
    folds = _wave((part.x + 2 * part.y) * np.float32(2.6))
    part.paint(cover * np.clip(folds * 3 - 2, 0, 1), mix(tint, (0, 0, 0), 0.35))
    return cover


def _mask(portrait: Portrait, part: Window, rows: NDArray[np.intp], tint: Floats) -> Floats:
    shape = np.maximum(
        portrait.face[rows] - np.float32(0.012), _below(portrait, part, rows, 0.13, 0.9)
    )
    cloth = mix(tint, (0.92, 0.97, 1.0), 0.7)
    cover = part.coverage(shape)
    part.paint(cover, cloth)
    fold = np.abs(_below(portrait, part, rows, 0.28, 0.4)) - np.float32(0.008)
    part.paint(part.coverage(fold) * cover, mix(cloth, (0, 0, 0), 0.22))
    return cover


def _cap(portrait: Portrait, part: Window, rows: NDArray[np.intp], tint: Floats) -> Floats:
    _, qy, _, radius = (q[rows] for q in portrait.skull)
    size = column(fixed(portrait.pose.scale[rows] * portrait.pose.b[rows] * 0.82))
    volume = [STYLES[name].volume for name in portrait.identity["hair_style"][rows]]
    over = column(fixed(1.07 + np.minimum(volume, 0.3)))
    dome = np.maximum((radius - over) * size, (qy + np.float32(0.34)) * size)
    cover = part.coverage(dome)
    part.paint(cover, tint)
    peak = portrait.pose.on_face(0 * portrait.pose.a, -0.225, 0.12).take(rows)
    u, v = peak.local(part)
    brim = ellipse(u, v - np.float32(0.3) * u * u, 0.37, 0.07)
    part.paint(part.coverage(brim - np.float32(0.03)), INK, 0.35)
    part.paint(part.coverage(brim), mix(tint, (0, 0, 0), 0.4))
    return np.maximum(cover, part.coverage(brim))


OCCLUDERS = {"hand": _hand, "scarf": _scarf, "mask": _mask, "cap": _cap}


def light(portrait: Portrait) -> None:
    """Shade the head by the direction of the light, then tint everything."""
    canvas, view, pose = portrait.canvas, portrait.view, portrait.pose
    (ca, sa), (ce, se) = rotation(view["light_azimuth"]), rotation(view["light_elevation"])
    x = (canvas.x - column(fixed(pose.cx))) / column(fixed(pose.scale * pose.a * 1.3))
    y = (canvas.y - column(fixed(pose.cy))) / column(fixed(pose.scale * pose.b * 1.4))
    from_side, from_above, from_front = column(sa * ce), column(se), column(ca * ce)
    contrast = column(fixed(view["light_contrast"]))
    level, warmth = view["light_level"][:, None], view["light_warmth"][:, None]
    colour = fixed(level * (1 + warmth * np.array([0.08, 0.0, -0.10])))
    for some in blocks(canvas.n, canvas.size * canvas.size):
        u, v = x[some], y[some]
        depth = (1 - u * u) - v * v
        np.maximum(depth, np.float32(0.04), out=depth)
        np.sqrt(depth, out=depth)
        depth *= from_front[some]
        lambert = u * from_side[some] - v * from_above[some]
        lambert += depth
        # Half flat, half with a soft terminator: keeps the look of an illustration.
        tone = np.clip(lambert, 0, 1, out=depth)
        tone *= np.float32(0.6)
        lambert *= np.float32(2.5)
        lambert -= np.float32(0.4)
        np.clip(lambert, 0, 1, out=lambert)
        lambert *= np.float32(0.4)
        tone += lambert
        tone *= np.float32(1.25)
        tone -= np.float32(0.75)
        tone *= contrast[some]
        tone *= portrait.head[some]
        tone += 1
        for channel, plane in enumerate(canvas.planes[:, some]):
            plane *= tone
            plane *= column(colour[some, channel])


def noise(portrait: Portrait) -> None:
    """Add grey noise: the sum of two uniform numbers per pixel, hashed from the image's seed."""
    canvas = portrait.canvas
    amount = column(fixed(portrait.view["noise"]))
    for some in blocks(canvas.n, canvas.size * canvas.size):
        grains = seeded(portrait.view["noise_seed"][some], canvas.size * canvas.size)
        grains = (grains & HALF_BYTES) + (grains >> np.uint32(16))
        level = grains.astype(np.float32)
        level *= np.float32(1 / 65535)
        level -= 1
        level = level.reshape(-1, canvas.size, canvas.size)
        level *= amount[some]
        canvas.planes[:, some] += level[None]

"""Mask attack: a rigid mask of the subject's face worn by somebody else."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from unispace.data.attacks.draws import Spread
from unispace.data.attacks.sampling import blend, cover, grid, outline_distance
from unispace.data.studio.canvas import Floats, column
from unispace.data.studio.faces_factors import EYE_COLOURS
from unispace.data.studio.faces_landmarks import FACE_RING, LANDMARKS
from unispace.data.studio.faces_portrait import INK, SKIN_TONES
from unispace.data.studio.stage import Doubles, Stage, hash01

# Lengths are shares of the face's height, from the bridge of the nose to the chin.
SPREADS: Mapping[str, Spread] = {
    "strength": Spread(0.4, 1.0),  # of material and border: the weakest are hard to tell
    "larger": Spread(-0.04, 0.10),  # how far the mask reaches beyond the face
    "smooth": Spread(0.2, 1.0),  # detail lost in the material
    "contrast": Spread(0.60, 0.95),  # of the painted face that the material keeps
    "wax": Spread(0.10, 0.40),  # share of the material's own colour
    "wax_tone": Spread(0.0, 1.0),  # pale to ruddy
    "gloss": Spread(0.10, 0.42),
    "gloss_from": Spread(-1.0, 1.0),  # left to right
    "dome": Spread(0.10, 0.38),  # how much darker the curved rim is
    "rim": Spread(0.25, 0.75),  # darkness of the border's line
    "shadow": Spread(0.15, 0.50),  # on what is behind the border
    "hole": Spread(0.95, 1.30),  # length of an eye hole over that of the painted eye
    "hole_height": Spread(0.50, 0.74),  # over its length
    "mouth": Spread(
        0.70, 1.05, chance=0.35
    ),  # length of a mouth hole over that of the painted mouth
    "wearer_tone": Spread(0.0, 1.0),  # skin of the wearer, fair to deep
    "wearer_shown": Spread(0.5, 1.0),  # how far skin beside the mask takes that tone
    "wearer_iris": Spread(0.0, 1.0),
    "wearer_gaze": Spread(-0.5, 0.5),
    "strap": Spread(0.035, 0.065, chance=0.5),  # width of an elastic strap
    "grain": Spread(0.0, 0.03),  # roughness of the material
}
_INDEX = {name: i for i, name in enumerate(LANDMARKS)}
_RING = [_INDEX[name] for name in FACE_RING]
_IRISES = np.array(list(EYE_COLOURS.values())) / 255.0
WAX = np.array([(0.93, 0.84, 0.76), (0.86, 0.58, 0.48)])
SKIN_LIKE = 0.18  # distance of colours up to which something beside the mask is skin


def present(
    planes: Floats, p: Mapping[str, Doubles], seeds: NDArray[np.int64], points: Doubles
) -> NDArray[np.uint8]:
    """Put masks over the faces of pictures `(n, 3, s, s)` with landmarks `(n, k, 2)` in pixels."""
    n, _, size, _ = planes.shape
    strength = p["strength"]
    height = _length(points[:, _INDEX["nose_bridge"]] - points[:, _INDEX["chin"]], size / 16)
    distance = outline_distance(points[:, _RING], size)
    skin = _mean_colour(planes, distance)
    wearer = _between(SKIN_TONES, p["wearer_tone"])
    border = distance - column(p["larger"] * height)
    behind = _wearer(planes, (skin, wearer), border, _below_eyes(points, size), p)
    shadow = np.clip(1 - np.maximum(border, 0) / column(0.10 * height), 0, 1)
    behind *= (1 - column(strength * p["shadow"]) * shadow)[:, None]
    _strap(behind, points, p, height)
    face = _material(planes, border, p, seeds, height)
    _gloss(face, points, p, height)
    rim = np.clip(
        1 - np.abs(border + column(0.02 * height)) / column(0.028 * height + size / 128), 0, 1
    )
    face *= (1 - column(strength * p["rim"]) * rim)[:, None]
    for side in ("left", "right"):
        _eye_hole(face, points, side, p, wearer, height)
    _mouth_hole(face, points, p, wearer, height)
    stage = Stage(n, size)
    stage.pixels = blend(behind, face, cover(border))
    return stage.finish()


def _length(vector: Doubles, least: float) -> Doubles:
    """Lengths of vectors `(n, 2)`, at least `least`, rounded."""
    squares = vector[:, 0] * vector[:, 0] + vector[:, 1] * vector[:, 1]
    lengths = np.maximum(np.sqrt(squares), least).astype(np.float64)
    return np.round(lengths, 4)


def _between(colours: Doubles, place: Doubles) -> Doubles:
    """Colours `(n, 3)` along a list of colours, at places in [0, 1]."""
    at = place * (len(colours) - 1)
    low = np.minimum(at.astype(np.intp), len(colours) - 2)
    return np.round(colours[low] + (at - low)[:, None] * (colours[low + 1] - colours[low]), 6)


def _colour(colours: Doubles) -> Floats:
    """Colours `(n, 3)` for planes, `(n, 3, 1, 1)`."""
    return colours.astype(np.float32)[:, :, None, None]


def _mean_colour(planes: Floats, distance: Floats) -> Doubles:
    """Mean colour of the inner face, `(n, 3)`: summed in whole numbers, so that no order matters."""
    # Where the whole face is outside the image, the mean of nothing must not stop the others.
    inside = distance < 0
    whole = (planes * np.float32(255) + np.float32(0.5)).astype(np.int64)
    total = (whole * inside[:, None]).sum(axis=(2, 3))
    count = np.maximum(inside.sum(axis=(1, 2)), 1)
    return np.round(total / count[:, None] / 255, 6)


def _below_eyes(points: Doubles, size: int) -> Floats:
    """1 below the line through the eyes of a head, 0 above: there it is hair that looks like skin."""
    x, y = grid(size)
    bridge, chin = points[:, _INDEX["nose_bridge"]], points[:, _INDEX["chin"]]
    height = _length(chin - bridge, size / 16)
    unit = np.round((chin - bridge) / height[:, None], 6)
    down = (x - column(bridge[:, 0])) * column(unit[:, 0])
    down = down + (y - column(bridge[:, 1])) * column(unit[:, 1])
    return np.clip(down / column(0.2 * height), 0, 1)


def _wearer(
    planes: Floats,
    colours: tuple[Doubles, Doubles],
    border: Floats,
    below: Floats,
    p: Mapping[str, Doubles],
) -> Floats:
    """The picture with ears and neck, found by the subject's skin colour, in the wearer's tone."""
    skin, wearer = colours
    apart = planes - _colour(skin)
    square = (apart * apart).sum(axis=1)
    alike = np.clip(np.float32(1.6) - np.sqrt(square) * np.float32(1.6 / SKIN_LIKE), 0, 1)
    share = alike * column(p["wearer_shown"]) * np.clip(border + 2, 0, 1) * below
    tinted = planes * _colour(np.clip(wearer / np.maximum(skin, 0.05), 0.4, 2.5))
    return blend(planes, np.minimum(tinted, 1), share)


def _material(
    planes: Floats,
    border: Floats,
    p: Mapping[str, Doubles],
    seeds: NDArray[np.int64],
    height: Doubles,
) -> Floats:
    """The subject's face as painted on the mask: smoothed, paler, of one material, darker at the rim."""
    n, _, size, _ = planes.shape
    strength = p["strength"]
    stage = Stage(n, size)
    stage.pixels = planes.copy()
    for _ in range(2):
        stage.blur(strength * p["smooth"])
    wax = _colour(_between(WAX, p["wax_tone"]))
    face = stage.pixels
    kept = column(1 - strength * (1 - p["contrast"]))[:, None]
    face = np.float32(0.5) + kept * (face - np.float32(0.5))
    # The material colours the face and leaves light and dark as painted.
    face += column(strength * p["wax"])[:, None] * (
        wax * (face.max(axis=1, keepdims=True) + np.float32(0.1)) - face
    )
    inward = np.clip(-border / column(0.30 * height), 0, 1)
    face *= (1 - column(strength * p["dome"]) * (1 - inward) * (1 - inward))[:, None]
    where = np.arange(size * size).reshape(1, size, size)
    grain = hash01(seeds.reshape(-1, 1, 1), where, 11) - np.float32(0.5)
    return face + (column(2 * p["grain"]) * grain)[:, None]


def _gloss(face: Floats, points: Doubles, p: Mapping[str, Doubles], height: Doubles) -> None:
    """Highlights of a hard surface on forehead, nose and the lit cheek."""
    x, y = grid(face.shape[-1])
    tip, bridge = points[:, _INDEX["nose_tip"]], points[:, _INDEX["nose_bridge"]]
    brow = points[:, _INDEX["forehead_middle"]]
    cheeks = points[:, [_INDEX["cheek_left"], _INDEX["cheek_right"]]]
    lit = (p["gloss_from"] + 1) / 2
    side = cheeks[:, 0] + lit[:, None] * (cheeks[:, 1] - cheeks[:, 0])
    cheek = side + 0.35 * (tip - side)
    shine = np.zeros((len(face), *face.shape[2:]), np.float32)
    for centre, wide, tall in (
        (0.5 * (brow + bridge), 0.42, 0.13), (0.6 * tip + 0.4 * bridge, 0.07, 0.24), (cheek, 0.15, 0.17),
    ):  # fmt: skip
        dx = (x - column(centre[:, 0])) / column(wide * height)
        dy = (y - column(centre[:, 1])) / column(tall * height)
        np.maximum(shine, np.clip(1 - (dx * dx + dy * dy), 0, 1), out=shine)
    face += (column(p["strength"] * p["gloss"]) * shine)[:, None]


def _strap(behind: Floats, points: Doubles, p: Mapping[str, Doubles], height: Doubles) -> None:
    """An elastic strap from the temples outwards, over hair and ears, as far as the head may reach."""
    left, right = points[:, _INDEX["temple_left"]], points[:, _INDEX["temple_right"]]
    x, y = grid(behind.shape[-1])
    along = right - left
    length = _length(along, 1.0)
    unit = np.round(along / length[:, None], 6)
    dx, dy = x - column(left[:, 0]), y - column(left[:, 1])
    down = dy * column(unit[:, 0]) - dx * column(unit[:, 1])
    ahead = dx * column(unit[:, 0]) + dy * column(unit[:, 1])
    outside = np.maximum(-ahead, ahead - column(length)) - column(0.20 * height)
    worn = cover(np.abs(down) - column(p["strap"] * height)) * cover(outside)
    worn = worn * column((p["strap"] > 0).astype(np.float64))
    behind += worn[:, None] * (_colour(INK[None]) - behind)


def _eye_hole(
    face: Floats,
    points: Doubles,
    side: str,
    p: Mapping[str, Doubles],
    wearer: Doubles,
    height: Doubles,
) -> None:
    """A cut-out eye: the rim of the material, and the wearer's lids and eye deeper inside."""
    inner, outer = points[:, _INDEX[f"eye_inner_{side}"]], points[:, _INDEX[f"eye_outer_{side}"]]
    half = np.maximum(p["hole"] * _length(outer - inner, 1.0) / 2, 0.08 * height)
    x, y = _hole_place(face, inner, outer)
    tall = half * p["hole_height"]
    hole = _ellipse(x, y, half, tall)
    _paint(face, cover(hole - column(0.025 * height)), INK[None] * 1.2, p["rim"])
    _paint(face, cover(hole), wearer * 0.62, 1.0)
    white = _ellipse(x, y - column(0.06 * tall), half * 0.74, tall * 0.66)
    _paint(face, cover(white), np.array([[0.86, 0.85, 0.84]]), 1.0)
    dx = x - column(half * 0.5 * p["wearer_gaze"])
    iris = np.sqrt(dx * dx + y * y) - column(0.62 * tall)
    eye = cover(white)
    choice = np.minimum((p["wearer_iris"] * len(_IRISES)).astype(np.intp), len(_IRISES) - 1)
    _paint(face, cover(iris) * eye, _IRISES[choice], 1.0)
    _paint(face, cover(np.sqrt(dx * dx + y * y) - column(0.28 * tall)) * eye, INK[None], 1.0)
    # The upper rim of the hole throws its shadow on the eye.
    shade = cover(hole) * np.clip(-y / column(tall), 0, 1)
    face *= (1 - np.float32(0.55) * shade)[:, None]


def _mouth_hole(
    face: Floats, points: Doubles, p: Mapping[str, Doubles], wearer: Doubles, height: Doubles
) -> None:
    """Sometimes a cut-out mouth with the wearer's lips behind it."""
    left, right = points[:, _INDEX["mouth_left"]], points[:, _INDEX["mouth_right"]]
    x, y = _hole_place(face, left, right)
    there = (p["mouth"] > 0).astype(np.float64)
    half = np.maximum(p["mouth"] * _length(right - left, 1.0) / 2, 0.05 * height)
    tall = np.maximum(0.30 * half, 0.06 * height)
    hole = _ellipse(x, y, half, tall)
    _paint(face, cover(hole - column(0.025 * height)), INK[None] * 1.2, p["rim"] * there)
    _paint(face, cover(hole), wearer * 0.6, there)
    lips = _ellipse(x, y, half * 0.8, tall * 0.62)
    _paint(face, cover(lips), wearer * np.array([0.72, 0.42, 0.42]), there)
    line = _ellipse(x, y, half * 0.8, tall * 0.12 + 0.3)
    _paint(face, cover(line), INK[None], there * 0.8)


def _hole_place(face: Floats, start: Doubles, end: Doubles) -> tuple[Floats, Floats]:
    """Coordinates in pixels around the middle of two points, along and across the line through them."""
    x, y = grid(face.shape[-1])
    unit = np.round((end - start) / _length(end - start, 1.0)[:, None], 6)
    unit = unit * np.where(unit[:, :1] < 0, -1.0, 1.0)  # y stays downwards
    middle = (start + end) / 2
    dx, dy = x - column(middle[:, 0]), y - column(middle[:, 1])
    cos, sin = column(unit[:, 0]), column(unit[:, 1])
    return dx * cos + dy * sin, dy * cos - dx * sin


def _ellipse(x: Floats, y: Floats, wide: Doubles, tall: Doubles) -> Floats:
    """About the signed distance to an ellipse in pixels."""
    a, b = column(np.maximum(wide, 0.5)), column(np.maximum(tall, 0.5))
    u, v = x / a, y / b
    return (np.sqrt(u * u + v * v) - 1) * np.minimum(a, b)


def _paint(face: Floats, coverage: Floats, colour: Doubles, opacity: float | Doubles) -> None:
    """Composite one colour an image, `(n, 3)` or `(1, 3)`, over the planes."""
    share = coverage * column(opacity)
    face += share[:, None] * (_colour(colour) - face)

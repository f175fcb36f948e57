"""Textures: patterns of two colours that fill the picture, of any scale and direction."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.studio.canvas import Floats, column
from unispace.data.studio.draws import Names, Span
from unispace.data.studio.family import (
    COLOURS,
    Family,
    Labels,
    Thing,
    Throws,
    colour_words,
    one_of,
    pen_of,
    view_factors,
)
from unispace.data.studio.stage import Stage, hash01
from unispace.data.studio.swatches import mix, tinted

Seeds = NDArray[np.int64]
Pattern = Callable[[Floats, Floats, Seeds], Floats]

_PERIOD = np.float32(0.52)  # of a pattern of scale 1, half image sides
_HALF = np.float32(0.5)
_LEAST_APART = 0.45  # of two colours, summed over the channels
_X, _Y, _THERE, _SIZE, _CLOUD = range(941, 946)  # hashed keys


def _part(t: Floats) -> Floats:
    """Place within a period of 1, in [-0.5, 0.5)."""
    return t - np.floor(t) - _HALF


def _tri(t: Floats) -> Floats:
    """Triangle wave of period 1, in [0, 1]."""
    return np.abs(_part(t)) * 2


def _soft(distance: Floats) -> Floats:
    """1 where positive, 0 where negative, with an edge of a seventh of a period."""
    return np.clip(distance * 7 + _HALF, 0, 1)


def _line(t: Floats, half_width: float) -> Floats:
    """Lines of period 1."""
    return _soft(np.float32(half_width) - np.abs(_part(t)))


def _either(a: Floats, b: Floats) -> Floats:
    """One of the two and not both."""
    return a * (1 - b) + b * (1 - a)


def _length(x: Floats, y: Floats) -> Floats:
    return np.sqrt(x * x + y * y)


def _striped(u: Floats, v: Floats, seeds: Seeds) -> Floats:
    return _soft((_tri(u) - _HALF) / 2) + 0 * v


def _checked(u: Floats, v: Floats, seeds: Seeds) -> Floats:
    return _either(_soft((_tri(u * 0.8) - _HALF) / 2), _soft((_tri(v * 0.8) - _HALF) / 2))


def _dotted(u: Floats, v: Floats, seeds: Seeds) -> Floats:
    return _soft(np.float32(0.3) - _length(_part(u), _part(v)))


def _zigzag(u: Floats, v: Floats, seeds: Seeds) -> Floats:
    return _soft((_tri(v + np.float32(0.85) * _tri(u * np.float32(0.8))) - _HALF) / 2)


def _wavy(u: Floats, v: Floats, seeds: Seeds) -> Floats:
    t = _part(u * np.float32(0.5)) * 2
    swing = 4 * t * (1 - np.abs(t))  # parabolas, as near to a sine as an eye can tell
    return _soft((_tri(v + np.float32(0.5) * swing) - _HALF) / 2)


def _ringed(u: Floats, v: Floats, seeds: Seeds) -> Floats:
    return _soft((_tri(_length(u, v)) - _HALF) / 2)


def _brick(u: Floats, v: Floats, seeds: Seeds) -> Floats:
    row = v * np.float32(1.3)
    shift = _HALF * (np.floor(row) - 2 * np.floor(np.floor(row) / 2))
    return np.maximum(
        _line(u * np.float32(0.6) + shift + _HALF, 0.05), _line(row + _HALF, 0.1) + 0 * u
    )


def _grid(u: Floats, v: Floats, seeds: Seeds) -> Floats:
    return np.maximum(_line(u, 0.1), _line(v, 0.1))


def _honeycomb(u: Floats, v: Floats, seeds: Seeds) -> Floats:
    wide, tall = np.float32(1.15), np.float32(1.15 * 1.7320508)
    found = np.full(np.broadcast(u, v).shape, 9, np.float32)
    for shift in (np.float32(0), _HALF):
        a, b = np.abs(_part(u / wide + shift)) * wide, np.abs(_part(v / tall + shift)) * tall
        # Distance to the nearest side of the hexagon around this centre, at most that to the next centre.
        edge = np.maximum(a, a * _HALF + b * np.float32(0.8660254))
        found = np.minimum(found, edge)
    return _soft(found - wide * np.float32(0.42))


def _scaly(u: Floats, v: Floats, seeds: Seeds) -> Floats:
    row = np.floor(v / _HALF)
    share = np.zeros(np.broadcast(u, v).shape, np.float32)
    # A scale covers those of the rows below it, so rows are laid from below.
    for step in (1, 0, -1):
        k = row + np.float32(step)
        shift = _HALF * (k - 2 * np.floor(k / 2))
        d = _length(_part(u + shift), v - k * _HALF)
        inside = _soft(np.float32(0.56) - d)
        rim = _soft(d - np.float32(0.42))
        share = share + inside * (rim - share)
    return share


def _plaid(u: Floats, v: Floats, seeds: Seeds) -> Floats:
    bands = [
        np.float32(0.36) * _soft((_tri(t * np.float32(0.7)) - _HALF) / 2)
        + np.float32(0.28) * _line(t * np.float32(0.7), 0.05)
        for t in (u, v)
    ]
    return np.clip(bands[0] + bands[1] + np.float32(0.0), 0, 1)


def _sunburst(u: Floats, v: Floats, seeds: Seeds) -> Floats:
    share = np.zeros(np.broadcast(u, v).shape, np.float32)
    for x, y in ((1.0, 0.0), (0.9239, 0.3827), (0.7071, 0.7071), (0.3827, 0.9239),
                 (0.0, 1.0), (-0.3827, 0.9239), (-0.7071, 0.7071), (-0.9239, 0.3827)):  # fmt: skip
        share = _either(share, _soft((u * np.float32(y) - v * np.float32(x)) * 2))
    return share


def _crossed(u: Floats, v: Floats, seeds: Seeds) -> Floats:
    a, b = np.abs(_part(u * np.float32(0.85))), np.abs(_part(v * np.float32(0.85)))
    thin, long = np.float32(0.12), np.float32(0.4)
    return np.maximum(_soft(np.minimum(thin - a, long - b)), _soft(np.minimum(thin - b, long - a)))


def _triangular(u: Floats, v: Floats, seeds: Seeds) -> Floats:
    a, b = _part(u * np.float32(0.8)), _part(v * np.float32(0.8))
    return _soft(np.minimum(np.float32(0.36) - b, (b + np.float32(0.4)) * _HALF - np.abs(a)))


def _around(u: Floats, v: Floats) -> list[tuple[Floats, Floats]]:
    """Columns and rows of the nine cells around each pixel."""
    i, j = np.floor(u), np.floor(v)
    return [(i + di, j + dj) for dj in (-1, 0, 1) for di in (-1, 0, 1)]


def _hashed(seeds: Seeds, key: int, i: Floats, j: Floats) -> Floats:
    """A number for each cell of each image."""
    # Cells near the origin have negative numbers, which an unsigned word has not.
    cells = ((t + 512).astype(np.int64) for t in (i, j))
    return hash01(seeds[:, None, None], key, *cells)


def _cracked(u: Floats, v: Floats, seeds: Seeds) -> Floats:
    u, v = np.broadcast_arrays(u / np.float32(1.2), v / np.float32(1.2))
    first = np.full(u.shape, 9, np.float32)
    second = first.copy()
    for i, j in _around(u, v):
        x = i + np.float32(0.15) + np.float32(0.7) * _hashed(seeds, _X, i, j)
        y = j + np.float32(0.15) + np.float32(0.7) * _hashed(seeds, _Y, i, j)
        d = _length(u - x, v - y)
        second = np.minimum(second, np.maximum(first, d))
        first = np.minimum(first, d)
    return _soft(np.float32(0.1) - (second - first))


def _speckled(u: Floats, v: Floats, seeds: Seeds) -> Floats:
    u, v = np.broadcast_arrays(u * 2, v * 2)
    share = np.zeros(u.shape, np.float32)
    for i, j in _around(u, v):
        x, y = i + _hashed(seeds, _X, i, j), j + _hashed(seeds, _Y, i, j)
        there = (_hashed(seeds, _THERE, i, j) < np.float32(0.55)).astype(np.float32)
        r = np.float32(0.15) + np.float32(0.25) * _hashed(seeds, _SIZE, i, j)
        share = np.maximum(share, there * np.clip((r - _length(u - x, v - y)) * 4 + _HALF, 0, 1))
    return share


def _cloudy(u: Floats, v: Floats, seeds: Seeds) -> Floats:
    u, v = np.broadcast_arrays(u, v)
    total = np.zeros(u.shape, np.float32)
    for octave, (often, weight) in enumerate(((0.55, 0.65), (1.3, 0.35))):
        x, y = u * np.float32(often), v * np.float32(often)
        i, j = np.floor(x), np.floor(y)
        a, b = x - i, y - j
        a, b = a * a * (3 - 2 * a), b * b * (3 - 2 * b)
        corner = [
            [_hashed(seeds, _CLOUD + octave, i + di, j + dj) for di in (0, 1)] for dj in (0, 1)
        ]
        top, low = (row[0] + a * (row[1] - row[0]) for row in corner)
        total = total + np.float32(weight) * (top + b * (low - top))
    return np.clip((total - _HALF) * 2 + _HALF, 0, 1)


PATTERNS: dict[str, Pattern] = {
    "striped": _striped,
    "dotted": _dotted,
    "checked": _checked,
    "cloudy": _cloudy,
    "zigzag": _zigzag,
    "brick": _brick,
    "ringed": _ringed,
    "grid": _grid,
    "speckled": _speckled,
    "wavy": _wavy,
    "honeycomb": _honeycomb,
    "sunburst": _sunburst,
    "scaly": _scaly,
    "plaid": _plaid,
    "crossed": _crossed,
    "cracked": _cracked,
    "triangular": _triangular,
}
CLASSES: tuple[str, ...] = tuple(PATTERNS)


def _paint(stage: Stage, labels: Labels, instances: pd.DataFrame, views: pd.DataFrame) -> None:
    first = tinted(instances["main_colour"], instances["main_tone"])
    second = _apart(first, tinted(instances["second_colour"], instances["second_tone"]))
    whole = pen_of(stage, views)
    seeds = views["noise_seed"].to_numpy(np.int64)
    for label in np.unique(labels):
        chosen = labels == label
        pen = whole.only(chosen)
        patch = pen.whole()
        u, v = patch.u / _PERIOD, patch.v / _PERIOD
        share = PATTERNS[CLASSES[label]](u, v, seeds[chosen])
        a, b = first[chosen][:, :, None, None], second[chosen][:, :, None, None]
        pen.composite(patch, np.ones((1, 1, 1), np.float32), a + share[:, None] * (b - a))
    _light(stage, views)


def _apart(first: Floats, second: Floats) -> Floats:
    """The second colours, made light or dark where they are too near to the first ones, `(n, 3)`."""
    near = np.abs(first - second).sum(axis=1) < _LEAST_APART
    light = first.sum(axis=1) < np.float32(1.5)
    end = np.where(light[:, None], np.float32(0.96), np.float32(0.08))
    return np.where(near[:, None], mix(second, end, 0.75), second).astype(np.float32)


def _light(stage: Stage, views: pd.DataFrame) -> None:
    """Brighter to where the light comes from, as shapes are."""
    radians = np.deg2rad(views["light_angle"].to_numpy(np.float64))
    strength = views["contrast"].to_numpy(np.float64) / 2
    across, down = (np.round(f(radians), 6) * strength for f in (np.cos, np.sin))
    slope = (
        column(across) * stage.centres[None, None, :] + column(down) * stage.centres[None, :, None]
    )
    stage.pixels *= (1 + slope)[:, None]


TEMPLATES = (
    "{} pattern", "{} texture", "a photo of {} pattern", "a photo of {} texture", "a picture of {} pattern",
    "{} surface", "something with {} pattern", "a photo of {} thing",
)  # fmt: skip


def _say(label: int, thing: Thing, throw: Throws) -> str:
    words = CLASSES[label]
    if throw["colour"] < 0.4:
        words = f"{colour_words(thing['main_colour'])} {words}"
    article = "an" if words[0] in "aeiou" else "a"
    return one_of(TEMPLATES, throw["template"]).format(f"{article} {words}")


FAMILY = Family(
    classes=CLASSES,
    words={name: name for name in CLASSES},
    instance={
        "main_colour": Names(COLOURS),
        "second_colour": Names(COLOURS),
        "main_tone": Span(-0.15, 0.25),
        "second_tone": Span(-0.15, 0.25),
    },
    view=view_factors(22.0, (0.8, 1.45), 0.3, backdrop=False),
    paint=_paint,
    say=_say,
    backdrop=False,
)

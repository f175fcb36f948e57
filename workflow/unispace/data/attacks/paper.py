"""Print attack: the picture on paper before the camera."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from unispace.data.attacks.draws import Spread
from unispace.data.attacks.sampling import blend, cover
from unispace.data.attacks.sheet import HOLDING, hold, triangle_wave
from unispace.data.studio.canvas import Floats, column, rotation
from unispace.data.studio.stage import Doubles, Stage, hash01

SPREADS: Mapping[str, Spread] = {
    **HOLDING,
    "strength": Spread(0.3, 1.0),  # of ink, screen and paper: the weakest are hard to tell
    "bend": Spread(-0.07, 0.07),
    "margin": Spread(0.03, 0.12, chance=0.7),  # of white paper around the picture
    "black": Spread(0.10, 0.26),  # lightest black of the ink
    "white": Spread(0.84, 0.97),  # brightest white of the paper
    "saturation": Spread(0.50, 0.85),  # what the inks keep of it
    "tint": Spread(-1.0, 1.0),  # of the paper: cold to yellowish
    "pitch": Spread(2.4, 4.2),  # pixels of a 64 pixel image between two halftone dots
    "dots": Spread(0.08, 0.28, chance=0.7),  # how much of the halftone the camera resolves
    "dither": Spread(0.03, 0.11),  # grain of the ink
    "fibre": Spread(0.01, 0.05),  # unevenness of the paper
    "streaks": Spread(0.01, 0.05, chance=0.35),  # of the print head, across
    "light": Spread(0.02, 0.16),  # of a lamp from one side, as a share
    "light_from": Spread(0.0, 360.0),
    "blur": Spread(0.1, 0.8),
    "desk": Spread(0.10, 0.55),  # brightness of what lies behind the paper
}
SCREEN_ANGLES = (15.0, 75.0, 45.0)  # degrees, of the dots of cyan, magenta and yellow
SHARPNESS = 2.0  # steepness of a dot's edge


def present(
    planes: Floats, p: Mapping[str, Doubles], seeds: NDArray[np.int64], points: Doubles
) -> NDArray[np.uint8]:
    """Print pictures `(n, 3, s, s)` and photograph the prints; the landmarks are not needed."""
    del points
    n, _, size, _ = planes.shape
    sheet = hold(planes, p, p["bend"])
    strength = p["strength"]
    stage = Stage(n, size)
    ink = _gamut(sheet.picture, p)
    # Dots and grain lie on the sheet; at a coarse resolution the camera cannot see finer ones.
    pitch = column(p["pitch"] * max(size / 64, 0.85) * 2 / size)
    dots = column(strength * p["dots"])
    for channel, angle in enumerate(SCREEN_ANGLES):
        cos, sin = (column(value) for value in rotation(angle))
        a = triangle_wave((sheet.u * cos + sheet.v * sin) / pitch)
        b = triangle_wave((sheet.v * cos - sheet.u * sin) / pitch)
        plane = ink[:, channel]
        screen = (a + b) * np.float32(0.5)
        printed = np.clip(np.float32(0.5) + (plane - screen) * np.float32(SHARPNESS), 0, 1)
        plane += dots * (printed - plane)
    fine = np.float32(size / 2 * 1.1)
    cells = [np.floor((w + 2) * fine).astype(np.int64) for w in (sheet.u, sheet.v)]
    grain = hash01(_of(seeds), cells[0], cells[1]) - np.float32(0.5)
    # Ink sprays most where it is neither absent nor solid.
    ink += (column(strength * p["dither"] * 2) * grain)[:, None] * ink * (np.float32(1.3) - ink)
    lines = hash01(_of(seeds), cells[1] // 2, 7) - np.float32(0.5)
    ink += (column(2 * strength * p["streaks"]) * lines)[:, None]
    paper = _paper(p, strength)
    margin = cover(sheet.beyond, sheet.pixel)
    held = blend(np.broadcast_to(paper, ink.shape), ink, margin)
    coarse = [cell // max(size // 16, 2) for cell in cells]
    fibre = hash01(_of(seeds), coarse[0], coarse[1], 3) + hash01(_of(seeds), cells[0] // 2, 5) - 1
    held *= 1 + (column(strength * p["fibre"]) * fibre)[:, None]
    cos, sin = (column(value) for value in rotation(p["light_from"]))
    lamp = column(p["light"]) * (sheet.u * cos + sheet.v * sin)
    curl = column(3 * p["bend"]) * sheet.u
    held *= (np.float32(0.97) + lamp + curl)[:, None]
    edge = column(p["margin"]) - sheet.beyond
    desk = column(p["desk"]) * (1 - np.clip(1 + edge / np.float32(0.12), 0, 1) * np.float32(0.5))
    desk = np.stack([desk, desk * np.float32(0.94), desk * np.float32(0.86)], axis=1)
    stage.pixels = blend(desk, held, cover(-edge, sheet.pixel))
    stage.blur(strength * p["blur"])
    return stage.finish()


def _of(seeds: NDArray[np.int64]) -> NDArray[np.int64]:
    return seeds.reshape(-1, 1, 1)


def _gamut(picture: Floats, p: Mapping[str, Doubles]) -> Floats:
    """Colours as far as ink on paper reaches: less saturated, between a lifted black and a dull white."""
    strength = p["strength"]
    grey = picture[:, :1] * np.float32(0.3) + picture[:, 1:2] * np.float32(0.59)
    grey = grey + picture[:, 2:] * np.float32(0.11)
    kept = column(1 - strength * (1 - p["saturation"]))[:, None]
    black = column(strength * p["black"])[:, None]
    paper = _paper(p, strength)
    return black + (grey + kept * (picture - grey)) * (paper - black)


def _paper(p: Mapping[str, Doubles], strength: Doubles) -> Floats:
    """Colour of the blank paper, `(n, 3, 1, 1)`."""
    white = 1 - strength * (1 - p["white"])
    channels = [white * (1 + strength * p["tint"] * k) for k in (0.03, 0.0, -0.07)]
    return np.stack([column(channel) for channel in channels], axis=1)

"""Replay attack: the picture on a display before the camera."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from unispace.data.attacks.draws import Spread
from unispace.data.attacks.sampling import blend, cover
from unispace.data.attacks.sheet import HOLDING, hold, soft_wave, triangle_wave
from unispace.data.studio.canvas import Floats, column, rotation
from unispace.data.studio.stage import Doubles, Stage

SPREADS: Mapping[str, Spread] = {
    **HOLDING,
    "strength": Spread(0.3, 1.0),  # of all that the display adds: the weakest are hard to tell
    "bezel": Spread(0.05, 0.14),  # width of the frame around the picture
    "bezel_level": Spread(0.03, 0.16),
    "room": Spread(0.05, 0.35),  # brightness of what is behind the display
    "gamma": Spread(0.6, 1.7),  # of the display's tone curve: below 1 brighter, above darker
    "cast": Spread(0.05, 0.24),  # towards blue
    "haze": Spread(0.0, 0.10),  # the display's black, and the room mirrored in it
    "pitch": Spread(2.1, 3.6),  # image pixels between two columns of the display
    "lattice": Spread(
        0.05, 0.22, chance=0.75
    ),  # how much of the display's columns the camera resolves
    "moire": Spread(0.04, 0.16),
    "moire_period": Spread(7.0, 20.0),  # pixels of a 64 pixel image
    "moire_angle": Spread(0.0, 180.0),
    "levels": Spread(7.0, 20.0, chance=0.5, otherwise=255.0),  # tones left by the player
    "bands": Spread(0.06, 0.20, chance=0.4),  # dark bands of the refresh
    "bands_period": Spread(0.5, 1.4),  # of the image's side
    "bands_phase": Spread(0.0, 1.0),
    "glare": Spread(0.15, 0.65, chance=0.55),
    "glare_x": Spread(-0.8, 0.8),
    "glare_y": Spread(-0.9, 0.4),
    "glare_size": Spread(0.16, 0.50),
    "streak": Spread(0.06, 0.22, chance=0.5),  # of a window mirrored as a slanted band
    "streak_place": Spread(-0.8, 0.8),
    "streak_angle": Spread(20.0, 70.0),
    "noise": Spread(0.0, 0.02),
}
PHASES = (0.0, 1 / 3, 2 / 3)  # of the red, green and blue columns


def present(
    planes: Floats, p: Mapping[str, Doubles], seeds: NDArray[np.int64], points: Doubles
) -> NDArray[np.uint8]:
    """Show pictures `(n, 3, s, s)` on a display and photograph it; the landmarks are not needed."""
    del points
    n, _, size, _ = planes.shape
    strength = p["strength"]
    sheet = hold(planes, p, 0 * strength)
    shown = _tones(sheet.picture, p)
    _columns(shown, sheet.u, sheet.v, p)
    refresh = triangle_wave(sheet.v / column(2 * p["bands_period"]) + column(p["bands_phase"]))
    dark = column(strength * p["bands"]) * np.clip(refresh * 3 - np.float32(1.6), 0, 1)
    shown *= (1 - dark)[:, None]
    frame = column(p["bezel_level"]) * (
        1 + np.float32(0.8) * cover(sheet.beyond - 2 * sheet.pixel, sheet.pixel)
    )
    stage = Stage(n, size)
    lit = blend(np.repeat(frame[:, None], 3, axis=1), shown, cover(sheet.beyond, sheet.pixel))
    # The glass mirrors over picture and frame alike.
    lit += _mirrored(sheet.u, sheet.v, p)[:, None]
    room = column(p["room"]) * (1 + np.float32(0.3) * sheet.v)
    room = np.stack([room, room * np.float32(0.96), room * np.float32(0.9)], axis=1)
    outside = cover(column(p["bezel"]) - sheet.beyond, sheet.pixel)
    stage.pixels = blend(lit, room, outside)
    stage.add_noise(p["noise"], seeds)
    return stage.finish()


def _tones(picture: Floats, p: Mapping[str, Doubles]) -> Floats:
    """The display's tone curve, its blue cast, lifted black and banding."""
    strength = p["strength"]
    # A rational curve in place of a power, which the maths library would decide.
    steep = column(1 + strength * (p["gamma"] - 1))[:, None]
    tone = picture / (picture + steep * (1 - picture) + np.float32(1e-6))
    cast = [1 - strength * p["cast"] * k for k in (1.0, 0.35, -0.35)]
    tone = tone * np.stack([column(c) for c in cast], axis=1)
    haze = column(strength * p["haze"])[:, None]
    tone = haze + tone * (1 - haze)
    levels = column(p["levels"])[:, None]
    coarse = np.floor(tone * levels + np.float32(0.5)) / levels
    return tone + column(strength)[:, None] * (coarse - tone)


def _columns(shown: Floats, u: Floats, v: Floats, p: Mapping[str, Doubles]) -> None:
    """Colour columns and lines of the display, and the coloured moire they make with the sensor."""
    size, strength = shown.shape[-1], p["strength"]
    half = np.float32(size / 2)
    pitch = column(p["pitch"])
    lattice, moire = column(strength * p["lattice"]), column(strength * p["moire"])
    across, down = u * half / pitch, v * half / pitch
    lines = lattice * (triangle_wave(down) - np.float32(0.5))
    cos, sin = (column(value) for value in rotation(p["moire_angle"]))
    period = column(p["moire_period"] * (size / 64))
    # Straight beats, slowly bent as by a lens.
    beat = (u * cos + v * sin + np.float32(0.22) * (u * u + v * v)) * half / period
    for channel, phase in enumerate(PHASES):
        stripes = lattice * 2 * (triangle_wave(across + np.float32(phase)) - np.float32(0.5))
        beats = moire * soft_wave(beat + np.float32(0.6 * phase))
        shown[:, channel] *= 1 + stripes + lines + beats


def _mirrored(u: Floats, v: Floats, p: Mapping[str, Doubles]) -> Floats:
    """Light on the glass: a lamp's spot and a window's slanted band."""
    strength = p["strength"]
    size = column(p["glare_size"])
    dx, dy = (u - column(p["glare_x"])) / size, (v - column(p["glare_y"])) / size
    spot = np.clip(1 - (dx * dx + dy * dy), 0, 1)
    cos, sin = (column(value) for value in rotation(p["streak_angle"]))
    away = np.abs(u * cos + v * sin - column(p["streak_place"]))
    band = np.clip((np.float32(0.22) - away) * 8, 0, 1)
    return column(strength * p["glare"]) * spot * spot + column(strength * p["streak"]) * band

"""What varies between persons and between sightings of a person, and how it is drawn.

A new factor goes to the end: each has a generator of its own, in this order.
"""

from __future__ import annotations

from unispace.data.studio.draws import Chance, Direct, Factor, Names, Seed, Span
from unispace.data.studio.swatches import PALETTE
from unispace.data.studio.wardrobe import (
    BOTTOMS,
    CARRIED,
    HAIR_COLOURS,
    HAIR_STYLES,
    HATS,
    OCCLUDERS,
    PATTERNS,
    TOPS,
)

_COLOURS = tuple(PALETTE)
# Street clothes: dark and muted colours are common, yet every colour of the palette occurs.
_TOP_WEIGHTS = (9, 5, 6, 3, 6, 5, 6, 8, 6, 5, 6, 4, 4, 5, 8, 6, 5, 8)
_BOTTOM_WEIGHTS = (3, 1, 1, 1, 3, 2, 3, 8, 9, 1, 2, 3, 5, 7, 5, 8, 8, 10)
_SHOE_WEIGHTS = (5, 2, 1, 1, 1, 1, 2, 3, 2, 1, 2, 1, 7, 3, 10, 4, 4, 10)

IDENTITY: dict[str, Direct] = {
    "height": Span(0.8, 1.0, 2),
    "shoulder": Span(0.085, 0.145, 2),
    "hip": Span(0.075, 0.125, 2),
    "waist": Span(0.06, 0.125, 2),
    "limb": Span(0.75, 1.35, 2),
    "leg_share": Span(0.44, 0.53, 2),
    "head": Span(0.9, 1.12, 2),
    "skin": Span(0.0, 1.0),
    "hair": Names(HAIR_STYLES, (1, 5, 2, 3, 4, 3, 2)),
    "hair_colour": Names(tuple(HAIR_COLOURS), (5, 4, 4, 3, 2, 2, 1)),
    "hat": Names(HATS, (13, 2, 2, 2)),
    "hat_colour": Names(_COLOURS),
    "top": Names(TOPS, (4, 4, 3, 3, 3, 1, 2)),
    "top_colour": Names(_COLOURS, _TOP_WEIGHTS),
    "top_second": Names(_COLOURS),
    "pattern": Names(PATTERNS, (6, 2, 1, 1, 1, 2, 2)),
    "pattern_scale": Span(0.75, 1.35),
    "top_tone": Span(-0.2, 0.2),
    "bottom": Names(BOTTOMS, (5, 2, 2)),
    "bottom_colour": Names(_COLOURS, _BOTTOM_WEIGHTS),
    "bottom_tone": Span(-0.2, 0.2),
    "shoe_colour": Names(_COLOURS, _SHOE_WEIGHTS),
    "carried": Names(CARRIED, (6, 3, 3, 2, 2, 2)),
    "carried_colour": Names(_COLOURS),
    "beard": Chance(0.18),
}

# What another outfit replaces: clothes, shoes, hat and what is carried. Build, skin, hair and beard
# are the body's own; gait is the view's.
CLOTHING: tuple[str, ...] = (
    "hat", "hat_colour", "top", "top_colour", "top_second", "pattern", "pattern_scale", "top_tone",
    "bottom", "bottom_colour", "bottom_tone", "shoe_colour", "carried", "carried_colour",
)  # fmt: skip

# Sightings mostly show one of the four main directions, with everything between them possible.
YAW_SPREAD = Span(-60.0, 60.0, 2)
BRIGHTNESS = Span(0.88, 1.12)  # of a picture, beside its camera's

GAINS = {  # jitter of a picture's colours on its camera's cast
    "gain_red": Span(0.96, 1.04),
    "gain_green": Span(0.97, 1.03),
    "gain_blue": Span(0.96, 1.04),
}

# Drawn after the camera, the yaw and the brightness.
VIEW: dict[str, Factor] = {
    "phase": Span(0.0, 360.0),
    "stride": Span(0.5, 1.1),
    "scale": Span(0.92, 1.02),
    "shift_x": Span(-0.2, 0.2, 2),
    "shift_y": Span(-0.04, 0.04, 2),
    "mirror_hand": Chance(0.5),
    "scene_shift": Span(0.0, 1.0),
    **GAINS,
    "blur": Span(0.0, 0.7),
    "occluder": Names(OCCLUDERS, (17, 1, 1, 1)),
    "occluder_x": Span(-0.8, 0.8),
    "occluder_colour": Names(_COLOURS),
    "noise": Span(0.0, 0.04),
    "noise_seed": Seed(),
}

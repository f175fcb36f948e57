"""What varies between objects of a class and between pictures of an object, and how it is drawn.

A new factor goes to the end: each has a generator of its own, in this order.
"""

from __future__ import annotations

from unispace.data.studio.draws import Chance, Factor, Names, Seed, Span, Whole
from unispace.data.studio.objects_scene import BACKDROPS, MOST_CLUTTER
from unispace.data.studio.swatches import PALETTE

_COLOURS = tuple(PALETTE)
_COLOUR_WEIGHTS = (5, 4, 4, 3, 4, 4, 4, 5, 2, 4, 3, 2, 2, 2, 3, 2, 1, 1)

INSTANCE: dict[str, Factor] = {
    "main_colour": Names(_COLOURS, _COLOUR_WEIGHTS),
    "second_colour": Names(_COLOURS, _COLOUR_WEIGHTS),
    "main_tone": Span(-0.15, 0.25),
    "second_tone": Span(-0.15, 0.25),
    "aspect": Span(0.85, 1.18, 2),
    "part_a": Span(0.0, 1.0),
    "part_b": Span(0.0, 1.0),
    "part_c": Span(0.0, 1.0),
    "style": Whole(3),
    "outline": Span(0.012, 0.034),
}

VIEW: dict[str, Factor] = {
    "rotation": Span(-22.0, 22.0, 2),
    "scale": Span(0.66, 0.96),
    "shift_x": Span(-0.2, 0.2, 2),
    "shift_y": Span(-0.2, 0.2, 2),
    "flip": Chance(0.5),
    "backdrop": Names(BACKDROPS, (4, 4, 3, 2, 2, 2)),
    "back_colour": Names(_COLOURS),
    "back_second": Names(_COLOURS),
    "back_tone": Span(0.35, 0.75),
    "back_angle": Span(0.0, 360.0),
    "light": Span(0.84, 1.12),
    "light_angle": Span(0.0, 360.0),
    "contrast": Span(0.0, 0.3),
    "clutter": Whole(MOST_CLUTTER + 1, extra=2),
    "occluded": Chance(0.1),
    "place_x": Span(-1.0, 1.0),
    "place_y": Span(-1.0, 1.0),
    "noise": Span(0.0, 0.035),
    "noise_seed": Seed(),
}

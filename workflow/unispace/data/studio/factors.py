"""What every column of the studio's tables means, so that analyses can ask what an embedding encodes.

Ranges and names come from the tables that draw the factors; only words are added here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from unispace.data.studio import bodies_factors, draws, faces_factors, objects_factors
from unispace.data.studio.bodies_scene import gain_range
from unispace.data.studio.families import FAMILIES

Kind: TypeAlias = Literal["identity", "nuisance", "seed"]
Subject: TypeAlias = Literal[
    "face", "body", "object", "textures", "shapes", "counts", "colours", "orientation", "glyphs"
]
Table: TypeAlias = Literal["identities", "instances", "views"]
Words: TypeAlias = Mapping[str, tuple[str, str]]  # column: unit, meaning

FULL_TURN = {"degrees": 360.0, "turns": 1.0}


@dataclass(frozen=True)
class FactorInfo:
    """A column of a table.

    Attributes:
        kind: `identity` tells labels apart, `nuisance` differs between the images of a label,
            `seed` only numbers random draws and has no order to be looked for.
        table: where the column stands.
        unit: of a number; `names` for names, `yes or no` for answers.
        meaning: in a few words.
        low, high: ends of the range of a number, None where there is none.
        categories: the names, in the order of the palette or list they are from; empty for numbers.
        period: of a number that comes round to where it started, None of others.
    """

    kind: Kind
    table: Table
    unit: str
    meaning: str
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] = ()
    period: float | None = None


_FACE_IDENTITY: Words = {
    "head_width": ("half image sides", "half width of the head"),
    "head_height": ("half image sides", "half height of the head"),
    "jaw_taper": ("share of the width", "how much narrower the head is at the chin"),
    "jaw_square": ("share", "how angular the jaw is"),
    "chin_length": ("half image sides", "how far the chin reaches below the head's ellipse"),
    "skin_tone": ("share", "darkness of the skin, 0 fair to 1 deep"),
    "skin_warmth": ("share", "tint of the skin, -1 cool to 1 warm"),
    "hair_style": ("names", "cut of the hair"),
    "hair_colour": ("names", "colour of the hair"),
    "hair_shade": ("share", "lightness of the hair, -1 darker to 1 lighter"),
    "hair_volume": ("factor", "thickness of the hair"),
    "hair_side": ("names", "side of parting, roll or tail"),
    "hairline": ("skull radii", "height of the hairline, positive is lower on the forehead"),
    "eye_spacing": ("half image sides", "from the middle of the face to an eye"),
    "eye_height": ("half image sides", "level of the eyes, positive is lower"),
    "eye_size": ("factor", "size of the eyes"),
    "eye_shape": ("names", "outline of the eyes"),
    "eye_tilt": ("degrees", "slant of the eyes"),
    "eye_colour": ("names", "colour of the iris"),
    "lashes": ("share", "strength of the lashes"),
    "brow_thickness": ("half image sides", "half thickness of the brows"),
    "brow_angle": ("degrees", "slant of the brows"),
    "brow_height": ("half image sides", "from eye to brow"),
    "nose_length": ("half image sides", "length of the nose"),
    "nose_width": ("half image sides", "half width of the nose"),
    "mouth_width": ("half image sides", "half width of the mouth"),
    "mouth_height": ("half image sides", "level of the mouth, positive is lower"),
    "lip_fullness": ("half image sides", "height of the lips"),
    "lip_colour": ("share", "colour of the lips, 0 like skin to 1 red"),
    "ear_size": ("half image sides", "half width of an ear"),
    "ear_tilt": ("share", "how far the ears stand out"),
    "beard": ("names", "cut of the beard"),
    "mark": ("names", "mark on the cheek"),
    "mark_x": ("half image sides", "place of the mark across"),
    "mark_y": ("half image sides", "place of the mark down"),
    "mark_size": ("half image sides", "size of the mark"),
    "blush": ("share", "redness of the cheeks"),
    "glasses": ("names", "shape of the glasses"),
    "glasses_colour": ("names", "colour of the glasses, also where none are worn"),
}
_FAMILY = ("row number", "row of the first sibling, the own one without siblings")

_FACE_VIEW: Words = {
    "yaw": ("degrees", "turn of the head, positive to the right of the image"),
    "pitch": ("degrees", "nod of the head, positive is down"),
    "roll": ("degrees", "tilt of the head, positive is clockwise"),
    "scale": ("factor", "size of the head in the image"),
    "shift_x": ("half image sides", "place of the head across"),
    "shift_y": ("half image sides", "place of the head down"),
    "smile": ("share", "smile, negative is a frown"),
    "mouth_open": ("share", "how far the mouth is open, closed up to 0"),
    "brow_raise": ("share", "how far the brows are raised"),
    "eye_open": ("share", "how far the eyes are open, 0 shut, 1 and above open"),
    "gaze_x": ("share", "look to the right of the image"),
    "gaze_y": ("share", "look down"),
    "light_azimuth": ("degrees", "direction of the light, positive from the right of the image"),
    "light_elevation": ("degrees", "height of the light"),
    "light_contrast": ("share", "share of the light that has a direction"),
    "light_level": ("factor", "brightness of the light"),
    "light_warmth": ("share", "tint of the light, -1 cool to 1 warm"),
    "background_hue": ("turns", "hue of the background"),
    "background_saturation": ("share", "saturation of the background"),
    "background_value": ("share", "brightness of the background"),
    "background_turn": ("turns", "hue of the background's second colour, from the first"),
    "background_step": ("share", "brightness of the background's second colour, from the first"),
    "background_angle": ("degrees", "direction in which the background changes"),
    "pattern": ("names", "pattern of the background"),
    "pattern_scale": ("half image sides", "size of the background's pattern"),
    "pattern_seed": ("number", "draws the background's pattern"),
    "clothing_hue": ("turns", "hue of the clothes"),
    "clothing_saturation": ("share", "saturation of the clothes"),
    "clothing_value": ("share", "brightness of the clothes"),
    "collar": ("names", "cut of the collar"),
    "occluder": ("names", "what is in front of the face"),
    "occluder_side": ("names", "side from which a hand reaches in"),
    "occluder_hue": ("turns", "hue of what is in front"),
    "noise": ("share of full scale", "amplitude of the noise"),
    "noise_seed": ("number", "draws the noise"),
    "age": ("share of forty years", "time since enrolment"),
}

_BODY_IDENTITY: Words = {
    "height": ("tallest persons", "height"),
    "shoulder": ("tallest persons", "half width of the shoulders"),
    "hip": ("tallest persons", "half width of the hips"),
    "waist": ("tallest persons", "half width of the waist"),
    "limb": ("factor", "thickness of arms and legs"),
    "leg_share": ("share of the height", "length of the legs"),
    "head": ("factor", "size of the head"),
    "skin": ("share", "darkness of the skin, 0 light to 1 dark"),
    "hair": ("names", "cut of the hair"),
    "hair_colour": ("names", "colour of the hair"),
    "hat": ("names", "kind of hat"),
    "hat_colour": ("names", "colour of the hat, also where none is worn"),
    "top": ("names", "garment of the upper body"),
    "top_colour": ("names", "colour of the top"),
    "top_second": ("names", "second colour of the top"),
    "pattern": ("names", "pattern of the top"),
    "pattern_scale": ("factor", "size of the top's pattern"),
    "top_tone": ("share", "lightness of the top, negative is darker"),
    "bottom": ("names", "garment of the legs"),
    "bottom_colour": ("names", "colour of the bottom"),
    "bottom_tone": ("share", "lightness of the bottom, negative is darker"),
    "shoe_colour": ("names", "colour of the shoes"),
    "carried": ("names", "what is carried"),
    "carried_colour": ("names", "colour of what is carried"),
    "beard": ("yes or no", "whether the person has a beard"),
}
_BODY_VIEW: Words = {
    "camera": ("number", "which street camera, with its scene, cast and brightness"),
    "yaw": ("degrees", "walking direction: 0 front, 90 to the right of the image, 180 back"),
    "phase": ("degrees", "moment of the step"),
    "stride": ("factor", "width of the step"),
    "scale": ("factor", "size of the person in the image"),
    "shift_x": ("half image sides", "place of the person across"),
    "shift_y": ("half image sides", "place of the person down"),
    "mirror_hand": ("yes or no", "whether the right hand carries"),
    "scene_shift": ("share", "place of the crop along the scene"),
    "gain_red": ("factor", "brightness of red"),
    "gain_green": ("factor", "brightness of green"),
    "gain_blue": ("factor", "brightness of blue"),
    "blur": ("share", "softness of the image"),
    "occluder": ("names", "what stands in front of the person"),
    "occluder_x": ("half image sides", "place of the occluder across"),
    "occluder_colour": ("names", "colour of the occluder"),
    "noise": ("share of full scale", "amplitude of the noise"),
    "noise_seed": ("number", "draws the noise"),
}

_OBJECT_INSTANCE: Words = {
    "main_colour": ("names", "main colour"),
    "second_colour": ("names", "second colour"),
    "main_tone": ("share", "lightness of the main colour, negative is darker"),
    "second_tone": ("share", "lightness of the second colour, negative is darker"),
    "aspect": ("factor", "width"),
    "part_a": ("share", "size of a first part, which depends on the class"),
    "part_b": ("share", "size of a second part, which depends on the class"),
    "part_c": ("share", "size of a third part, which depends on the class"),
    "style": ("number", "variant, which depends on the class"),
    "outline": ("half image sides", "width of the dark line around parts"),
}
_OBJECT_VIEW: Words = {
    "rotation": ("degrees", "turn in the image, positive is clockwise"),
    "scale": ("factor", "size of the object in the image"),
    "shift_x": ("half image sides", "place of the object across"),
    "shift_y": ("half image sides", "place of the object down"),
    "flip": ("yes or no", "whether the object is mirrored"),
    "backdrop": ("names", "pattern of the backdrop"),
    "back_colour": ("names", "first colour of the backdrop, painted paler"),
    "back_second": ("names", "second colour of the backdrop and colour of the occluder"),
    "back_tone": ("share", "paleness of the backdrop"),
    "back_angle": ("degrees", "direction of the backdrop's pattern and of the occluder"),
    "light": ("factor", "brightness"),
    "light_angle": ("degrees", "direction of the light, clockwise from the right"),
    "contrast": ("share", "strength of the shading"),
    "clutter": ("count", "other shapes in the image"),
    "occluded": ("yes or no", "whether something is in front of the object"),
    "place_x": ("occluder's reach", "place of the occluder across, and its shape"),
    "place_y": ("occluder's reach", "place of the occluder down"),
    "noise": ("share of full scale", "amplitude of the noise"),
    "noise_seed": ("number", "draws the noise and places the other shapes"),
}


_FAMILY_INSTANCE: Words = {
    "main_colour": ("names", "main colour"),
    "second_colour": (
        "names",
        "second colour, made lighter or darker where it is too near to the main one",
    ),
    "main_tone": ("share", "lightness of the main colour, negative is darker"),
    "second_tone": ("share", "lightness of the second colour, negative is darker"),
    "outline": ("half image sides", "width of the dark line around shapes"),
    "shape": ("names", "which shape or pointer shows the class"),
    "size": ("share of the frame", "size of each thing"),
    "aspect": ("factor", "width"),
    "slant": ("share of the height", "lean of a letter to the right"),
    "thickness": ("share of the frame", "half width of a stroke"),
    "wobble": ("share of the frame", "unsteadiness of the hand"),
}
_FAMILY_VIEW: Words = _OBJECT_VIEW | {
    "scale": ("factor", "size of what is shown"),
    "shift_x": ("half image sides", "place of what is shown across"),
    "shift_y": ("half image sides", "place of what is shown down"),
    "back_second": ("names", "second colour of the backdrop"),
    "back_angle": ("degrees", "direction of the backdrop's pattern"),
    "noise_seed": ("number", "draws the noise, and what has no factor of its own"),
}


def describe(subject: Subject) -> dict[str, FactorInfo]:
    """Say what the columns of a subject's tables are.

    What a person wears and carries is told as `identity`, as it comes with the person; where outfits
    change, `bodies.CLOTHING` names what is no longer. Objects are told apart by their class, which is
    no column: their instances are nuisances, since every image shows another one.

    Args:
        subject: `face`, `body`, `object` (family objects), or the name of another family.

    Returns:
        One entry per column, those of the identities or instances first, in the order of the tables.
    """
    if subject == "face":
        return {
            **_told(faces_factors.IDENTITY, _FACE_IDENTITY, "identity", "identities"),
            "family": FactorInfo("identity", "identities", *_FAMILY, low=0),
            **_told(
                {**faces_factors.VIEW, "age": faces_factors.AGE}, _FACE_VIEW, "nuisance", "views"
            ),
        }
    if subject == "body":
        unit, meaning = _BODY_VIEW["camera"]
        camera = FactorInfo("nuisance", "views", unit, meaning, low=0)
        seen: dict[str, draws.Factor] = {"yaw": draws.Span(0.0, 360.0), **bodies_factors.VIEW}
        for channel, (name, jitter) in enumerate(bodies_factors.GAINS.items()):
            seen[name] = _gain(channel, jitter)
        return {
            **_told(bodies_factors.IDENTITY, _BODY_IDENTITY, "identity", "identities"),
            "camera": camera,
            **_told(seen, _BODY_VIEW, "nuisance", "views"),
        }
    if subject != "object":
        family = FAMILIES[subject]
        return {
            **_told(family.instance, _FAMILY_INSTANCE, "nuisance", "instances"),
            **_told(family.view, _FAMILY_VIEW, "nuisance", "views"),
        }
    return {
        **_told(objects_factors.INSTANCE, _OBJECT_INSTANCE, "nuisance", "instances"),
        **_told(objects_factors.VIEW, _OBJECT_VIEW, "nuisance", "views"),
    }


def _told(
    factors: Mapping[str, draws.Factor | faces_factors.Factor],
    words: Words,
    kind: Kind,
    table: Table,
) -> dict[str, FactorInfo]:
    return {name: _info(factor, kind, table, *words[name]) for name, factor in factors.items()}


def _info(
    factor: draws.Factor | faces_factors.Factor, kind: Kind, table: Table, unit: str, meaning: str
) -> FactorInfo:
    if isinstance(factor, draws.Seed | faces_factors.Seed):
        return FactorInfo("seed", table, unit, meaning, 0, 2**31 - 1)
    if isinstance(factor, draws.Names):
        return FactorInfo(kind, table, unit, meaning, categories=factor.names)
    if isinstance(factor, faces_factors.Choice):
        return FactorInfo(kind, table, unit, meaning, categories=tuple(factor.weights))
    if isinstance(factor, draws.Chance):
        return FactorInfo(kind, table, unit, meaning, 0, 1)
    if isinstance(factor, draws.Whole):
        return FactorInfo(kind, table, unit, meaning, 0, factor.count - 1)
    full = FULL_TURN.get(unit)
    period = full if factor.high - factor.low == full else None
    return FactorInfo(kind, table, unit, meaning, factor.low, factor.high, period=period)


def _gain(channel: int, jitter: draws.Span) -> draws.Span:
    """The range of a camera's gain times the brightness and the jitter of a picture."""
    low, high = gain_range(channel)
    bright = bodies_factors.BRIGHTNESS
    return draws.Span(low * bright.low * jitter.low, high * bright.high * jitter.high)

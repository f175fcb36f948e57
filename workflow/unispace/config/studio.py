"""What the studio world renders."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from unispace.config.base import ATTACK_DOMAINS, DistinctSome, Domain, Settings

Degradation = Literal["resample", "defocus", "motion", "noise", "jpeg", "warp", "dim"]
Style = Literal["photo", "sketch", "silhouette", "texture_swap"]
Family = Literal["objects", "textures", "shapes", "counts", "colours", "orientation", "glyphs"]
Presentation = Literal["print", "replay", "mask"]
Recipe = Literal["complete", "splice", "blend", "frequency", "retouch", "seamless"]
SMALLEST_ATTACK = 32
"""Side in pixels below which the traces of an attack could not be seen."""


class Degrade(Settings):
    """Synthetic loss of quality, drawn anew for every image."""

    kinds: DistinctSome[Degradation] = ("defocus", "motion", "noise", "jpeg")
    """What may happen to an image; two or three of these are chained for each image."""
    severity: tuple[float, float] = (0.2, 0.8)
    """Range of the severity of each step, 0 (none) to 1 (worst)."""
    always_resample: bool = True
    """Whether every image also loses resolution: what all low-quality faces have in common."""

    @model_validator(mode="after")
    def _range(self) -> Degrade:
        low, high = self.severity
        if not 0 <= low <= high <= 1:
            raise ValueError(f"severity must be two rising numbers in 0 to 1, got [{low}, {high}]")
        return self


class StudioSource(Settings):
    """Images rendered by the studio world: no download, known truth."""

    kind: Literal["studio"]
    """`studio`"""
    labels: Annotated[int, Field(ge=2, le=1_000_000)]
    """Number of identities (faces, bodies, attacks) or classes (objects)."""
    images_per_label: Annotated[int, Field(ge=1, le=10_000)]
    """Images of each identity or class; of attacks, bona fide images of each identity."""
    size: Annotated[int, Field(ge=16, le=512)] = 64
    """Side of the rendered images in pixels."""
    world: Annotated[int, Field(ge=0)] = 0
    """Which world the identities come from: data sets of one world share their identities."""
    siblings: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Faces: share of identities that look almost like another one."""
    variation: Annotated[float, Field(ge=0, le=2)] = 1.0
    """Faces: how much pose, expression, light and the like differ between images; 0 is not at all."""
    age_drift: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Faces: how far images are apart in age; 0 is not at all, 1 is a lifetime."""
    cameras: Annotated[int, Field(ge=1, le=8)] = 2
    """Bodies: cameras, each with its own colours and background."""
    outfits: Annotated[int, Field(ge=1, le=100)] = 1
    """Bodies: sets of clothes of each identity, worn by turns; with more than one, clothes mislead."""
    family: Family = "objects"
    """Objects: which classes. `objects`: things of everyday life (54 classes); `textures`: patterns (17); `shapes`:
    geometric ones (14); `counts`: one to eight things (8); `colours` (12); `orientation`: where a pointer points (8);
    `glyphs`: capital letters as strokes of a pen (26)."""
    styles: DistinctSome[Style] = ("photo",)
    """Family objects: how they are drawn, by turns."""
    attacks: DistinctSome[Presentation] = ("print", "replay", "mask")
    """Domain pad: kinds of presentation attack."""
    recipes: DistinctSome[Recipe] = get_args(Recipe)
    """Domain mad: ways in which morphs are made."""
    attacks_per_label: Annotated[int, Field(ge=1, le=1000)] = 1
    """Domains pad and mad: attack images of each kind, or morphs of each recipe, for each identity."""
    degrade: Degrade | None = None
    """Loss of quality after rendering; leave out for clean images."""

    def kinds_of_attack(self, domain: Domain) -> tuple[str, ...]:
        """Labels of the images that are not bona fide; none outside domains pad and mad."""
        return {"pad": self.attacks, "mad": self.recipes}.get(domain, ())

    def images_of_each(self, domain: Domain) -> int:
        """Images of each class or identity, attacks among them."""
        return self.images_per_label + len(self.kinds_of_attack(domain)) * self.attacks_per_label


_FACES: tuple[Domain, ...] = ("face_hq", "face_lq", "pad", "mad")
_ONLY_WITH: dict[str, tuple[Domain, ...]] = {
    "siblings": _FACES,
    "variation": _FACES,
    "age_drift": _FACES,
    "cameras": ("person",),
    "outfits": ("person",),
    "family": ("object",),
    "styles": ("object",),
    "attacks": ("pad",),
    "recipes": ("mad",),
    "attacks_per_label": ("pad", "mad"),
}


def misplaced(source: StudioSource, domain: Domain) -> str:
    """What is wrong where an option is set that means nothing in a domain; empty where nothing is."""
    if domain in ATTACK_DOMAINS and source.size < SMALLEST_ATTACK:
        return f"source.size must be at least {SMALLEST_ATTACK} with domain {domain}, got {source.size}"
    for key, domains in _ONLY_WITH.items():
        default = StudioSource.model_fields[key].default
        if getattr(source, key) != default and domain not in domains:
            return f"source.{key} goes with domain {' or '.join(domains)}, not with {domain}; take it out"
    if source.family != "objects" and source.styles != ("photo",):
        return f"source.styles goes with family objects, not with {source.family}; take it out"
    return ""

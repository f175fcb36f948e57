"""What maps find between planted models, where the truth is known: the protocols themselves are on trial.

Two worlds of two models each, drawn by `data.planted`:

- `rotation`: both models see who a person is, and are a rotation and some noise apart. Procrustes has to reach the
  Rank-1 that theory gives, and the unaligned baseline is at chance.
- `image-only`: both see the same of every image and nothing of the person. No map can tell who is who, yet a gallery
  that holds the probe's own photograph finds that, and calls it recognition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from unispace.alignment.maps import fit_baseline, fit_procrustes, fit_ridge
from unispace.data.planted import PlantedModel, PlantedWorld, rank_one
from unispace.data.protocols.fitting import within
from unispace.evaluation.recognition import Images

World = Literal["rotation", "image-only"]
WORLDS: tuple[World, ...] = ("rotation", "image-only")
SOURCE, TARGET = "planted/source", "planted/target"

_FITS = {"baseline": fit_baseline, "procrustes": fit_procrustes, "ridge": fit_ridge}
_SHARE = 0.7
_DIMENSION = 64
_IDENTITIES = 400


@dataclass(frozen=True)
class PlantedMap:
    """A map between planted models, on identities that it was not fitted on.

    Attributes:
        world: which.
        method: of the map.
        images: probes after the map, and gallery.
        expected: Rank-1 by theory in a gallery of one image of each tested identity; None where theory has none.
    """

    world: World
    method: str
    images: Images
    expected: float | None


def world_of(name: World) -> PlantedWorld:
    """The world of a name; see the module."""
    signal = {"rotation": 1.0, "image-only": 0.0}[name]
    noise = {"rotation": 0.6, "image-only": 0.1}[name]
    model = PlantedModel(noise_variance=noise)
    return PlantedWorld(
        {SOURCE: model, TARGET: model},
        identities=_IDENTITIES,
        images_per_identity=5,
        dimension=_DIMENSION,
        identity_variance=signal,
        image_variance=1.0,
    )


def planted_maps(name: World, seed: int) -> Iterator[PlantedMap]:
    """Fit maps in a planted world and give what they are tested on.

    Args:
        name: of the world.
        seed: of its draw.
    """
    world = world_of(name)
    drawn = world.draw(seed)
    names = [f"{number:05d}" for number in drawn.identity]
    part = within(names, _SHARE)
    source, target = drawn.vectors[SOURCE], drawn.vectors[TARGET]
    people = len(np.unique(drawn.identity[part.test]))
    for method, fit in _FITS.items():
        fitted = fit(source[part.fit], target[part.fit])
        images = Images(
            fitted.transform(source[part.test]),
            fitted.place(target[part.test]),
            [names[i] for i in np.flatnonzero(part.test)],
            [drawn.image_id[i] for i in np.flatnonzero(part.test)],
        )
        yield PlantedMap(name, method, images, _expected(world, name, method, people))


def _expected(world: PlantedWorld, name: World, method: str, people: int) -> float | None:
    """Rank-1 of the true rotation; what has no information is at chance."""
    if name == "image-only" or method == "baseline":
        return 1 / people
    return rank_one(world.separation(SOURCE, TARGET), people) if method == "procrustes" else None

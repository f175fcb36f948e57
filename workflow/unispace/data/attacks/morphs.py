"""Face morphs: one picture of a face that is meant to match two persons.

A recipe is a way to make one. They differ in what a detector could see: ghosts, borders, lost or mixed
detail, retouching. Weak and strong cases of each occur; what was drawn is saved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from unispace.data.attacks.draws import Spread, check_seeds, draw
from unispace.data.attacks.presentations import check_faces
from unispace.data.attacks.sampling import outline_distance, to_planes
from unispace.data.attacks.warping import Warp, similarity
from unispace.data.studio.canvas import Floats
from unispace.data.studio.faces_landmarks import FACE_RING, LANDMARKS
from unispace.data.studio.stage import Doubles
from unispace.errors import did_you_mean

ALPHA = Spread(0.35, 0.65)  # share of the second person
SPREADS: Mapping[str, Mapping[str, Spread]] = {
    "complete": {},
    "splice": {
        "feather": Spread(1.0, 7.0, chance=0.65, otherwise=0.6),  # pixels of a 64 pixel image
        "transfer": Spread(0.5, 1.0),  # share of the first's colours that the second takes
        "inset": Spread(
            -1.5, 1.0
        ),  # pixels likewise: the border beyond (negative) or within the face
    },
    "blend": {},
    "frequency": {
        "radius": Spread(1.5, 3.5),  # pixels likewise: the bands part here
        "swap": Spread(
            0.75, 1.0
        ),  # share of the fine band from the second, of the coarse from the first
    },
    "retouch": {
        "radius": Spread(1.0, 2.5),  # pixels likewise, of the smoothing
        "smooth": Spread(0.4, 0.9),  # share of detail lost where the two disagree
        "sharpen": Spread(0.3, 1.1),  # of unsharp masking afterwards
    },
    "seamless": {
        "feather": Spread(0.8, 2.0),  # pixels likewise
        "inset": Spread(0.0, 1.5),
    },
}
RECIPES: tuple[str, ...] = tuple(SPREADS)
SYMMETRIC: tuple[str, ...] = ("complete", "blend", "retouch")  # swapped persons, same picture
PARAMETERS: tuple[str, ...] = tuple(
    f"{recipe}_{name}" for recipe, spreads in SPREADS.items() for name in spreads
)
SMALLEST = 32
_RING = [LANDMARKS.index(name) for name in FACE_RING]


@dataclass(frozen=True)
class Pair:
    """Two persons to be morphed.

    Attributes:
        pictures: `(3, s, s)` each, in [0, 1].
        points: landmarks of each, `(k, 2)` in pixels.
        shape: the landmarks between them.
        alpha: share of the second.
    """

    pictures: tuple[Floats, Floats]
    points: tuple[Doubles, Doubles]
    shape: Doubles
    alpha: float

    @property
    def size(self) -> int:
        """Side of the pictures."""
        return self.pictures[0].shape[-1]

    def warped(self) -> tuple[Floats, Floats]:
        """Both pictures bent to the shape between them."""
        warp = Warp(self.shape, self.size)
        first, second = (warp.bend(*own) for own in zip(self.pictures, self.points, strict=True))
        return first, second

    def mixed(self, first: Floats, second: Floats) -> Floats:
        """The weighted mean of two things of the two persons."""
        # Written as two products so that swapping the persons gives the same bytes.
        return np.float32(1 - self.alpha) * first + np.float32(self.alpha) * second

    def inside_face(self, inset: float) -> Floats:
        """Signed distance in pixels to the shape's outline moved inwards, `(s, s)`, negative inside."""
        ring = self.shape[_RING]
        return outline_distance(ring[None], self.size)[0] + np.float32(inset * self.size / 64)


Recipe: TypeAlias = Callable[[Pair, dict[str, float]], Floats]


def morph(
    first: NDArray[np.uint8],
    second: NDArray[np.uint8],
    landmarks_first: NDArray[np.float64],
    landmarks_second: NDArray[np.float64],
    recipes: NDArray[np.str_] | NDArray[np.object_],
    seeds: NDArray[np.integer],
    alphas: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.uint8], pd.DataFrame]:
    """Morph pairs of pictures.

    The bytes of a morph depend on its own pair, landmarks, recipe, seed and alpha, not on the batch.

    Args:
        first: `(n, s, s, 3)`, RGB, at least 32 pixels; gives `splice` and `seamless` hair and background.
        second: likewise.
        landmarks_first: `(n, k, 2)` points `LANDMARKS` in pixels, as from `faces.landmarks`.
        landmarks_second: likewise.
        recipes: of each morph, from `RECIPES`, `(n,)`.
        seeds: `(n,)` integers of 0 or more.
        alphas: share of the second person in shape and colour, `(n,)` in [0, 1]; by default drawn from
            the seed, evenly over `ALPHA`.

    Returns:
        The morphs, `(n, s, s, 3)`, and a table of `n` rows: `recipe`, `alpha` and a column for each of
        `PARAMETERS`, `<recipe>_<name>`; NaN where a morph is of another recipe.

    Raises:
        ValueError: if shapes do not match, a recipe is unknown or a number is out of range.
    """
    n = check_faces(first, landmarks_first, SMALLEST)
    if second.shape != first.shape:
        raise ValueError(f"first {first.shape} and second {second.shape} must have one shape")
    check_faces(second, landmarks_second, SMALLEST)
    seeds = check_seeds(seeds, n)
    names = np.asarray(recipes, dtype=object)
    if names.shape != (n,):
        raise ValueError(f"{n} pairs need as many recipes, not shape {names.shape}")
    for name in dict.fromkeys(names):
        if name not in RECIPES:
            raise ValueError(
                f"unknown morphing recipe {name!r}; {did_you_mean(str(name), RECIPES)}"
            )
    alpha = draw(seeds, {"alpha": ALPHA}, "morph")["alpha"] if alphas is None else alphas
    if alpha.shape != (n,) or not ((alpha >= 0) & (alpha <= 1)).all():
        raise ValueError(f"alphas must be {n} numbers in [0, 1]")
    table = pd.DataFrame(np.nan, index=range(n), columns=list(PARAMETERS))
    drawn = {recipe: draw(seeds, SPREADS[recipe], recipe) for recipe in RECIPES}
    for recipe, values in drawn.items():
        for name, column in values.items():
            table[f"{recipe}_{name}"] = np.where(names == recipe, column, np.nan)
    result = np.empty_like(first)
    for i, name in enumerate(names):
        points = (landmarks_first[i], landmarks_second[i])
        a = float(alpha[i])
        shape = np.round((1 - a) * points[0] + a * points[1], 4)
        pictures = to_planes(np.stack([first[i], second[i]]))
        pair = Pair((pictures[0], pictures[1]), points, shape, a)
        values = {key: float(column[i]) for key, column in drawn[name].items()}
        planes = _RECIPES[name](pair, values)
        levels = (np.clip(planes, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
        result[i] = levels.transpose(1, 2, 0)
    table.insert(0, "alpha", alpha)
    table.insert(0, "recipe", names)
    return result, table


def _complete(pair: Pair, p: dict[str, float]) -> Floats:
    """Both bent to the mean shape and mixed everywhere: ghosts of hair, clothes and background."""
    del p
    return pair.mixed(*pair.warped())


def _splice(pair: Pair, p: dict[str, float]) -> Floats:
    """The mixed face, in the first's colours, set into the first's hair and background: a border."""
    first, second = pair.warped()
    distance = pair.inside_face(p["inset"])
    second = second + np.float32(p["transfer"]) * (_recoloured(second, first, distance) - second)
    width = np.float32(p["feather"] * pair.size / 64)
    # The feather lies inside, so that nothing of the second shows beside the face.
    share = np.clip(-distance / width, 0, 1)
    return first + share * (pair.mixed(first, second) - first)


def _blend(pair: Pair, p: dict[str, float]) -> Floats:
    """A cross-dissolve after turning, scaling and shifting both: doubled features."""
    del p
    first, second = (
        similarity(*own, pair.shape) for own in zip(pair.pictures, pair.points, strict=True)
    )
    return pair.mixed(first, second)


def _frequency(pair: Pair, p: dict[str, float]) -> Floats:
    """The first's coarse band with the second's fine one: detail that does not belong to its shading."""
    first, second = pair.warped()
    coarse = [_smoothed(w, p["radius"] * pair.size / 64) for w in (first, second)]
    swap = np.float32(p["swap"])
    low = coarse[1] + swap * (coarse[0] - coarse[1])
    fine = [w - c for w, c in zip((first, second), coarse, strict=True)]
    return low + fine[0] + swap * (fine[1] - fine[0])


def _retouch(pair: Pair, p: dict[str, float]) -> Floats:
    """A complete morph, smoothed where the two disagree and sharpened: ghosts hidden, skin too even."""
    first, second = pair.warped()
    mixed = pair.mixed(first, second)
    radius = p["radius"] * pair.size / 64
    apart = np.abs(first - second).max(axis=0)
    ghosts = np.clip(_smoothed(apart[None], radius)[0] * np.float32(5), 0, 1)
    smooth = mixed + np.float32(p["smooth"]) * ghosts * (_smoothed(mixed, radius) - mixed)
    edges = smooth - _smoothed(smooth, 0.8 * pair.size / 64)
    return smooth + np.float32(p["sharpen"]) * edges


def _seamless(pair: Pair, p: dict[str, float]) -> Floats:
    """The mixed face set into the first's picture after its border was levelled: no border, odd skin.

    Poisson cloning in short: what the two differ by along the border is spread over the face smoothly and
    taken away, here with a membrane relaxed from coarse to fine.
    """
    first, second = pair.warped()
    distance = pair.inside_face(p["inset"])
    mixed = pair.mixed(first, second)
    membrane = _membrane(first - mixed, distance >= 0)
    share = np.clip(np.float32(0.5) - distance / np.float32(p["feather"] * pair.size / 64), 0, 1)
    return first + share * (mixed + membrane - first)


_RECIPES: Mapping[str, Recipe] = {
    "complete": _complete,
    "splice": _splice,
    "blend": _blend,
    "frequency": _frequency,
    "retouch": _retouch,
    "seamless": _seamless,
}


def _recoloured(picture: Floats, like: Floats, distance: Floats) -> Floats:
    """A picture with the mean and the spread of each colour that another has inside an outline."""
    inside = distance < 0
    if not inside.any():
        return picture
    result = np.empty_like(picture)
    for channel, (plane, goal) in enumerate(zip(picture, like, strict=True)):
        # Whole numbers, whose sums do not depend on their order.
        (mean, spread), (goal_mean, goal_spread) = (
            _moments((values[inside] * 255 + np.float32(0.5)).astype(np.int64))
            for values in (plane, goal)
        )
        gain = np.round(min(max(goal_spread / max(spread, 1.0), 0.6), 1.6), 4)
        offset = np.round((goal_mean - gain * mean) / 255, 6)
        result[channel] = plane * np.float32(gain) + np.float32(offset)
    return result


def _moments(levels: NDArray[np.int64]) -> tuple[float, float]:
    """Mean and standard deviation of whole numbers."""
    n, total, squares = len(levels), int(levels.sum()), int((levels * levels).sum())
    return total / n, float(np.sqrt(max(n * squares - total * total, 0)) / n)


def _smoothed(planes: Floats, radius: float) -> Floats:
    """Planes `(c, s, s)` under a tent of a half width between whole pixels: two mixed, twice averaged."""
    low = int(radius)
    share = np.float32(radius - low)
    narrow, wide = (_tent(planes, whole) for whole in (low, low + 1))
    return narrow + share * (wide - narrow)


def _tent(planes: Floats, radius: int) -> Floats:
    side = 2 * radius + 1
    for axis in (-1, -2, -1, -2):
        planes = uniform_filter1d(planes, side, axis=axis, mode="nearest")
    return planes


COARSEST = 8  # pixels of the grid on which the membrane is relaxed first
RELAXATIONS = 12  # per grid


def _membrane(difference: Floats, known: NDArray[np.bool_]) -> Floats:
    """Smooth values inside an outline that continue those known outside it, `(3, s, s)`.

    Laplace's equation, relaxed (Jacobi) on grids of halved sides, coarse to fine.
    """
    size = difference.shape[-1]
    half: Floats | None = None
    if size % 2 == 0 and size > COARSEST:
        weight = _quartered(known.astype(np.float32)[None])
        values = _quartered(difference * known) / np.maximum(weight, np.float32(0.25))
        half = _membrane(values, weight[0] > 0)
    start = np.zeros_like(difference) if half is None else half.repeat(2, 1).repeat(2, 2)
    wide = np.pad(np.where(known, difference, start), ((0, 0), (1, 1), (1, 1)), mode="edge")
    field = wide[:, 1:-1, 1:-1]
    for _ in range(RELAXATIONS if half is not None else 4 * size):
        around = wide[:, :-2, 1:-1] + wide[:, 2:, 1:-1]
        around += wide[:, 1:-1, :-2]
        around += wide[:, 1:-1, 2:]
        around *= np.float32(0.25)
        np.copyto(field, around, where=~known)
        wide[:, 0], wide[:, -1] = wide[:, 1], wide[:, -2]
        wide[:, :, 0], wide[:, :, -1] = wide[:, :, 1], wide[:, :, -2]
    return field.copy()


def _quartered(planes: Floats) -> Floats:
    """The mean of each two by two pixels, `(c, s / 2, s / 2)`."""
    rows = planes[:, ::2] + planes[:, 1::2]
    return (rows[:, :, ::2] + rows[:, :, 1::2]) * np.float32(0.25)

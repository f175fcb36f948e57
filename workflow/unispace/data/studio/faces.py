"""Portraits of invented people: identities, views of them, and pictures.

An identity is a row of factors (`sample_identities`), a view is a row of everything that is not
the identity (`sample_views`: pose, expression, light, background, clothes, what is in the way),
and `render` turns the two into an image. The factors are listed in `faces_factors`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.studio import faces_age as ageing
from unispace.data.studio import faces_factors as factors
from unispace.data.studio import faces_features as features
from unispace.data.studio import faces_marks as marks
from unispace.data.studio import faces_scene as scene
from unispace.data.studio.faces_hair import Hair
from unispace.data.studio.faces_landmarks import locate
from unispace.data.studio.faces_portrait import Portrait

# Images of 64 pixels painted together (fewer of larger ones, for the memory): enough to make little of numpy's calls,
# few enough that the windows of a feature fit in the cache; what covers whole images goes in blocks (`canvas.BLOCK`).
CHUNK = 128
SMALLEST = 16
STRONGEST = 2.0


def sample_identities(
    rng: np.random.Generator, n: int, sibling_fraction: float = 0.0
) -> pd.DataFrame:
    """Invent people.

    Args:
        rng: spawned once per factor, so that a larger `n` keeps the first rows.
        n: number of identities, at least 1.
        sibling_fraction: share in [0, 1] of rows that are near-copies of the row before them: all
            numbers close, four visible factors redrawn.

    Returns:
        `n` rows; the columns of `faces_factors.IDENTITY` (numbers and names) and `family`, the row
        number of the first of a run of siblings (of the row itself where there is none).

    Raises:
        ValueError: if `n` or `sibling_fraction` is out of range.
    """
    _check_count(n)
    if not 0 <= sibling_fraction <= 1:
        raise ValueError(f"sibling_fraction must be within [0, 1], not {sibling_fraction}")
    drawing, relating = rng.spawn(2)
    table = factors.draw_table(factors.IDENTITY, drawing, n, strength=1.0)
    return factors.add_siblings(table, relating, sibling_fraction)


def sample_views(
    rng: np.random.Generator, n: int, strength: float = 1.0, age_drift: float = 0.0
) -> pd.DataFrame:
    """Invent circumstances of pictures.

    Args:
        rng: spawned once per factor, so that a larger `n` keeps the first rows.
        n: number of views, at least 1.
        strength: how far views depart from a plain frontal portrait, 0 (not at all) to 2; above 1
            the numbers crowd at the ends of their ranges.
        age_drift: greatest age since enrolment, 0 (nobody ages) to 1 (some forty years); ages are
            spread evenly below it. The other factors do not depend on it.

    Returns:
        `n` rows; the columns of `faces_factors.VIEW`, angles in degrees, and `age`.

    Raises:
        ValueError: if `n`, `strength` or `age_drift` is out of range.
    """
    _check_count(n)
    if not 0 <= strength <= STRONGEST:
        raise ValueError(f"strength must be within [0, {STRONGEST:g}], not {strength}")
    if not 0 <= age_drift <= 1:
        raise ValueError(f"age_drift must be within [0, 1], not {age_drift}")
    table = factors.draw_table(factors.VIEW, rng, n, strength)
    return table.assign(age=factors.AGE.draw(rng.spawn(1)[0], n, strength=age_drift))


def render(identities: pd.DataFrame, views: pd.DataFrame, size: int) -> NDArray[np.uint8]:
    """Paint row i of `identities` as seen in row i of `views`.

    The bytes of an image depend on its two rows and `size` alone: not on the other images, nor on
    the machine.

    Args:
        identities: `n` rows as from `sample_identities`; any index.
        views: `n` rows as from `sample_views`; any index. Without the column `age` all pictures
            are taken on the day of enrolment.
        size: side of the images in pixels, at least 16.

    Returns:
        `(n, size, size, 3)`, RGB.

    Raises:
        ValueError: if the tables differ in length, are empty, lack a factor or hold an unknown
            name, or if `size` is too small.
    """
    identity, view = _checked(identities, views, size)
    images = np.empty((len(views), size, size, 3), np.uint8)
    chunk = max(CHUNK * 64 * 64 // (size * size), 4)
    for start in range(0, len(views), chunk):
        part = slice(start, start + chunk)
        images[part] = _paint(
            {k: v[part] for k, v in identity.items()}, {k: v[part] for k, v in view.items()}, size
        )
    return images


def landmarks(identities: pd.DataFrame, views: pd.DataFrame, size: int) -> NDArray[np.float64]:
    """Where the points `faces_landmarks.LANDMARKS` are on the pictures that `render` paints.

    Args:
        identities: `n` rows as from `sample_identities`; any index.
        views: `n` rows as from `sample_views`; any index.
        size: side of the images in pixels, at least 16.

    Returns:
        `(n, k, 2)`: x to the right and y down in pixels from the upper left corner of the image, to
        1e-4; the middle of the first pixel is at (0.5, 0.5). Points may lie outside the image.

    Raises:
        ValueError: as `render`.
    """
    return np.round((locate(*_checked(identities, views, size)) + 1) * (size / 2), 4)


def _paint(identity: dict[str, NDArray], view: dict[str, NDArray], size: int) -> NDArray[np.uint8]:
    """One chunk, back to front."""
    portrait = Portrait(identity, view, size)
    hair = Hair(portrait)
    scene.background(portrait)
    scene.shoulders(portrait)
    hair.behind()
    scene.neck(portrait)
    everyone = np.arange(portrait.canvas.n)
    features.ears(portrait, True, everyone)
    features.skin(portrait)
    ageing.lines(portrait)
    marks.cheeks(portrait)
    marks.beard(portrait)
    features.mouth(portrait)
    features.eyes(portrait)
    features.nose(portrait)
    hair.in_front()
    features.ears(portrait, False, portrait.rows(hair.style["ears"]))
    marks.glasses(portrait)
    scene.occluders(portrait)
    scene.light(portrait)
    scene.noise(portrait)
    return portrait.canvas.finish()


def _checked(
    identities: pd.DataFrame, views: pd.DataFrame, size: int
) -> tuple[dict[str, NDArray], dict[str, NDArray]]:
    """The factors of both tables, which fit each other and the size."""
    if len(identities) != len(views):
        raise ValueError(
            f"{len(identities)} identities do not match {len(views)} views: one each per image"
        )
    _check_count(len(identities))
    if size < SMALLEST:
        raise ValueError(f"size must be at least {SMALLEST} pixels, not {size}")
    view = _columns(views, factors.VIEW, "views")
    view["age"] = _ages(views)
    return ageing.aged(_columns(identities, factors.IDENTITY, "identities"), view["age"]), view


def _check_count(n: int) -> None:
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")


def _ages(views: pd.DataFrame) -> NDArray[np.float64]:
    """Years since enrolment as shares of the greatest age, checked."""
    if "age" not in views.columns:
        return np.zeros(len(views))
    age = views["age"].to_numpy(np.float64)
    if not ((age >= factors.AGE.low) & (age <= factors.AGE.high)).all():
        raise ValueError("views: age must be within [0, 1]")
    return age


def _columns(
    table: pd.DataFrame, expected: dict[str, factors.Factor], role: str
) -> dict[str, NDArray]:
    """The factors of a table as arrays, checked."""
    missing = [name for name in expected if name not in table.columns]
    if missing:
        raise ValueError(f"{role} lack the columns {', '.join(missing)}")
    columns: dict[str, NDArray] = {}
    for name, factor in expected.items():
        if isinstance(factor, factors.Choice):
            columns[name] = table[name].to_numpy(dtype=object)
            unknown = sorted(set(map(str, columns[name])) - set(factor.weights))
            if unknown:
                raise ValueError(
                    f"{role}: {name} cannot be {unknown[0]!r}; choose from {', '.join(factor.weights)}"
                )
        else:
            columns[name] = table[name].to_numpy()
    return columns

"""Verification of templates: a person is shown by several images and videos, and these are compared as a whole.

As IJB-B and IJB-C are evaluated (C. Whitelam et al., CVPR Workshops 2017; B. Maze et al., ICB 2018), with the pooling
that is usual for them: the unit-length vectors of the images of a medium (a video, or a still) are averaged, so that a
long video weighs as much as one still; the media of a template are averaged, and the mean is brought to length 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unispace.alignment.space import unit_rows
from unispace.data.protocols.templates import TemplateLists
from unispace.errors import UserError
from unispace.evaluation.verification import PairScores, compare_pairs

Integers = NDArray[np.integer]


def pool_templates(
    vectors: NDArray[np.floating], template: Integers, medium: Integers
) -> NDArray[np.float32]:
    """One vector for each template.

    Args:
        vectors: `(n, d)` of images, any length; an image of two templates stands twice.
        template: `(n,)` number of the template, 0 .. t - 1, each at least once.
        medium: `(n,)` number of the medium, any integers; one medium of two templates is one of each.

    Returns:
        `(t, d)`, of unit length.

    Raises:
        ValueError: lengths differ, or the vectors of a template cancel each other out.
    """
    from scipy.sparse import csr_array

    if not len(vectors) == len(template) == len(medium):
        raise ValueError(
            f"{len(vectors)} vectors, {len(template)} templates and {len(medium)} media"
        )
    both = np.stack([np.asarray(template), np.asarray(medium)], axis=1)
    media, of_image = np.unique(both, axis=0, return_inverse=True)
    of_image = of_image.reshape(-1)
    n, templates = len(vectors), int(np.max(template)) + 1
    share = 1 / np.bincount(of_image)[of_image]
    by_medium = csr_array((share, (of_image, np.arange(n))), shape=(len(media), n))
    of_medium = media[:, 0]
    share = 1 / np.bincount(of_medium, minlength=templates)[of_medium]
    by_template = csr_array(
        (share, (of_medium, np.arange(len(media)))), shape=(templates, len(media))
    )
    pooled = (by_template @ by_medium) @ unit_rows(vectors).astype(np.float64)
    return unit_rows(pooled, "templates")


def compare_templates(
    lists: TemplateLists,
    image_id: NDArray[np.str_],
    identity: NDArray[np.str_],
    vectors: NDArray[np.floating],
    where: str,
) -> PairScores:
    """Cosines of the listed pairs of templates.

    Args:
        lists: which images make a template, and which templates are compared.
        image_id: `(n,)` of the embedded images.
        identity: `(n,)` who is in each.
        vectors: `(n, d)`.
        where: name of the setting, for errors.

    Raises:
        UserError: a listed image was not embedded, a template shows two identities, or a pair says another thing than
            the identities of its templates.
    """
    names, order = np.sort(image_id), np.argsort(image_id)
    wanted = lists.images["image_id"].to_numpy(str)
    place = np.minimum(np.searchsorted(names, wanted), len(names) - 1)
    absent = names[place] != wanted
    if absent.any():
        raise UserError(
            f"{where}.images: {int(absent.sum())} of {len(wanted)} images are not in the tested split, such as "
            f"`{wanted[absent][0]}`; image ids are those of the manifest"
        )
    row = order[place]
    templates, number = np.unique(lists.images["template_id"].to_numpy(str), return_inverse=True)
    media = np.unique(lists.images["media_id"].to_numpy(str), return_inverse=True)[1]
    persons, person = np.unique(identity[row], return_inverse=True)
    shown = np.empty(len(templates), np.int64)
    shown[number] = person
    mixed = shown[number] != person
    if mixed.any():
        raise UserError(
            f"{where}.images: template `{templates[number[mixed][0]]}` shows two identities, "
            f"`{persons[person[mixed][0]]}` and `{persons[shown[number[mixed][0]]]}`"
        )
    first, second = (
        np.searchsorted(templates, lists.pairs[side].to_numpy(str)) for side in ("first", "second")
    )
    same = lists.pairs["same"].to_numpy(bool)
    wrong = same != (shown[first] == shown[second])
    if wrong.any():
        one, other = first[wrong][0], second[wrong][0]
        raise UserError(
            f"{where}.pairs: templates `{templates[one]}` and `{templates[other]}` are listed as "
            f"{'the same' if same[wrong][0] else 'different'}, but show `{persons[shown[one]]}` and "
            f"`{persons[shown[other]]}`"
        )
    pooled = pool_templates(vectors[row], number, media)
    return compare_pairs(pooled, pooled, shown, first, second)

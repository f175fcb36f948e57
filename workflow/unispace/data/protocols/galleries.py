"""Identification: which images are enrolled, which are searched for, and which entries a search leaves out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unispace.data.splits import fractions

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Enrolment:
    """Which images are enrolled and which are searched for.

    Attributes:
        gallery: `(n_identities,)` row of the one enrolled image of every identity, rising.
        probe: `(n_probe,)` rows of the probes, rising; every probe has its identity enrolled.
        single_image_identities: Identities with one image. They are enrolled, have no probe and
            act as distractors.
        single_camera_identities: Identities with several images, none from another camera than
            the enrolled one. Distractors too; 0 without cameras.
    """

    gallery: Indices
    probe: Indices
    single_image_identities: int
    single_camera_identities: int


@dataclass(frozen=True, eq=False)
class Searches:
    """Which images are enrolled, which are searched for, and what a search leaves out of the gallery.

    Attributes:
        gallery: `(n_gallery,)` rows of the enrolled images.
        probe: `(n_probe,)` rows of the probes. Each has an entry of its identity that is not left out.
        exclude: `(n_probe,)` place in the gallery that is left out of the search of each probe, -1 for none;
            None where nothing is.
        across_cameras: Whether a search leaves out the entries of the probe's identity and camera.
        without_mate: Images that could not be probes because all entries of their identity are left out.
    """

    gallery: Indices
    probe: Indices
    exclude: Indices | None
    across_cameras: bool
    without_mate: int


@dataclass(frozen=True, eq=False)
class OpenSet:
    """Searches of which some have nobody to find.

    Attributes:
        gallery: `(n_known,)` row of the one enrolled image of every known identity, rising.
        mated: `(n_mated,)` rows of the probes whose identity is enrolled, rising.
        unmated: `(n_unmated,)` rows of the probes whose identity is not, rising.
    """

    gallery: Indices
    mated: Indices
    unmated: Indices


def enrol_probe(
    identity: NDArray[np.integer], key: Sequence[str], camera: NDArray | None = None
) -> Enrolment:
    """Enrol one image of every identity and search for the others.

    The enrolled image is the one whose key has the smallest SHA-256. That depends on the images of
    this identity alone, so images added elsewhere change nothing.

    Args:
        identity: `(n,)` identity of every image, any integers.
        key: `(n,)` image ids, all different.
        camera: `(n,)` camera of every image. When given, probes come only from other cameras than
            the enrolled image, as in person re-identification.

    Raises:
        ValueError: Lengths differ, there is no image, or a key occurs twice.
    """
    n = len(identity)
    if len(key) != n or (camera is not None and len(camera) != n):
        raise ValueError(
            f"{n} identities, {len(key)} keys"
            + ("" if camera is None else f", {len(camera)} cameras")
            + "; all must be of the same images"
        )
    if n == 0:
        raise ValueError("there is no image to enrol")
    if len(set(key)) != n:
        seen: set[str] = set()
        twice = next(name for name in key if name in seen or seen.add(name))
        raise ValueError(f"image id {twice!r} occurs more than once")
    digest = np.array([hashlib.sha256(name.encode()).digest() for name in key], dtype="S32")
    names, index = np.unique(identity, return_inverse=True)
    order = np.lexsort((digest, index))
    enrolled = order[np.searchsorted(index[order], np.arange(len(names)))]

    searched = np.ones(n, bool)
    searched[enrolled] = False
    if camera is not None:
        camera = np.asarray(camera)
        searched &= camera != camera[enrolled[index]]
    images = np.bincount(index, minlength=len(names))
    probes = np.bincount(index[searched], minlength=len(names))
    return Enrolment(
        gallery=np.sort(enrolled),
        probe=np.flatnonzero(searched),
        single_image_identities=int(np.sum(images == 1)),
        single_camera_identities=int(np.sum((images > 1) & (probes == 0))),
    )


def enrol_all(
    identity: NDArray[np.integer], camera: NDArray | None = None, *, self_included: bool
) -> Searches:
    """Enrol every image and search for every image.

    Args:
        identity: `(n,)` identity of every image, any integers.
        camera: `(n,)` camera of every image. When given, a search also leaves out the entries of the probe's
            identity and camera; this takes self_included=False.
        self_included: Whether a probe finds its own image in the gallery. Within one model it then always
            ranks first, and across models a search may be won by the image and not by the identity.

    Raises:
        ValueError: Lengths differ, or self_included with cameras.
    """
    if camera is not None and self_included:
        raise ValueError(
            "the own image has the probe's camera: it cannot be both kept and left out"
        )
    every = np.arange(len(identity))
    if self_included:
        return Searches(every, every, None, across_cameras=False, without_mate=0)
    return _searches(identity, every, every, camera)


def query_gallery(
    identity: NDArray[np.integer], role: Sequence[str], camera: NDArray | None = None
) -> Searches:
    """Search for the images of role `query` among those of role `gallery`, as re-identification sets are made.

    With cameras, entries of the probe's identity and camera are left out of its search, neither right nor
    wrong. A query without an entry from another camera is no probe. Source: L. Zheng et al., "Scalable person
    re-identification: a benchmark", ICCV 2015 (Market-1501).

    Args:
        identity: `(n,)` identity of every image, any integers.
        role: `(n,)` `query`, `gallery` or anything else, which takes no part.
        camera: `(n,)` camera of every image.

    Raises:
        ValueError: Lengths differ.
    """
    if len(role) != len(identity):
        raise ValueError(f"{len(role)} roles for {len(identity)} images")
    names = np.asarray(role, str)
    gallery, probe = np.flatnonzero(names == "gallery"), np.flatnonzero(names == "query")
    return _searches(identity, gallery, probe, camera)


def open_set(
    identity: Sequence[str], key: Sequence[str], known: float, camera: NDArray | None = None
) -> OpenSet:
    """Enrol one image of the known identities; search for their other images and for all unknown identities.

    Known is an identity by a hash of its name, so it stays known when others come or go.

    Args:
        identity: `(n,)` names.
        key: `(n,)` image ids, all different.
        known: Share of the identities that are known, in expectation; in (0, 1).
        camera: `(n,)` camera of every image. When given, mated probes come only from other cameras than the
            enrolled image.

    Raises:
        ValueError: Lengths differ, there is no image, a key occurs twice, or `known` is not in (0, 1).
    """
    if not 0 < known < 1:
        raise ValueError(f"the share of known identities lies between 0 and 1, got {known}")
    names, code = np.unique(np.asarray(identity, str), return_inverse=True)
    enrolment = enrol_probe(code, key, camera)
    is_known = (fractions(names.tolist(), "open-set") < known)[code]
    return OpenSet(
        gallery=enrolment.gallery[is_known[enrolment.gallery]],
        mated=enrolment.probe[is_known[enrolment.probe]],
        unmated=np.flatnonzero(~is_known),
    )


def _searches(
    identity: NDArray[np.integer], gallery: Indices, probe: Indices, camera: NDArray | None
) -> Searches:
    """Searches without the probes that have no entry left to find."""
    identity = np.asarray(identity)
    if camera is not None and len(camera) != len(identity):
        raise ValueError(f"{len(camera)} cameras for {len(identity)} images")
    place = np.full(len(identity), -1)
    place[gallery] = np.arange(len(gallery))
    # An image without a camera of its own is left out of its own search alone.
    group = (
        np.arange(len(identity)) if camera is None else np.unique(camera, return_inverse=True)[1]
    )
    mates = _count(identity[gallery], identity[probe])
    left_out = _count(
        np.stack([identity[gallery], group[gallery]], axis=1),
        np.stack([identity[probe], group[probe]], axis=1),
    )
    kept = mates > left_out
    return Searches(
        gallery=gallery,
        probe=probe[kept],
        exclude=place[probe[kept]],
        across_cameras=camera is not None,
        without_mate=int(np.sum(~kept)),
    )


def _count(among: NDArray[np.integer], of: NDArray[np.integer]) -> NDArray[np.int64]:
    """How often each item (of a row, or a number) of `of` occurs in `among`."""
    _, index = np.unique(np.concatenate([among, of]), axis=0, return_inverse=True)
    return np.bincount(index[: len(among)], minlength=index.max(initial=-1) + 1)[
        index[len(among) :]
    ]

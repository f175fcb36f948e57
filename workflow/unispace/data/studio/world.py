"""The studio world: which images there are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from unispace.config.base import ATTACK_DOMAINS, BONA_FIDE, Domain
from unispace.config.datasets import Splits
from unispace.config.studio import StudioSource
from unispace.data.splits import fractions, split_by_hash
from unispace.data.studio import objects
from unispace.data.studio.families import FAMILIES
from unispace.errors import UserError

SUBJECT: dict[Domain, str] = {
    "object": "object",
    "face_hq": "face",
    "face_lq": "face",
    "person": "body",
    "pad": "face",
    "mad": "face",
}
"""What is painted for each domain; domains of one subject share their identities."""
OBJECTS = "objects"
"""The family of things of everyday life, which has styles; the others are those of `families`."""


def subject_of(domain: Domain, source: StudioSource) -> str:
    """What is painted, by the name that its random numbers are drawn for."""
    subject = SUBJECT[domain]
    return subject if source.family == OBJECTS else f"{subject}/{source.family}"


def classes_of(family: str) -> dict[str, str]:
    """The classes of a family in their order, and what a text calls each."""
    if family == OBJECTS:
        return {name: objects.CLASS_NAMES[name] for name in objects.CLASSES}
    return {name: FAMILIES[family].words[name] for name in FAMILIES[family].classes}


def check(name: str, domain: Domain, source: StudioSource) -> None:
    """Refuse what the studio cannot render.

    Raises:
        UserError: where more classes are asked for than a family has.
    """
    if domain != "object":
        return
    count = len(classes_of(source.family))
    if source.labels > count:
        kind = "object classes" if source.family == OBJECTS else f"classes of {source.family}"
        raise UserError(
            f"datasets.{name}.source.labels: the studio has {count} {kind}, got {source.labels}; "
            f"write at most `labels: {count}`"
        )


def listing(name: str, domain: Domain, source: StudioSource, splits: Splits) -> pd.DataFrame:
    """All images of a data set.

    Args:
        name: of the data set.
        domain: of its labels.
        source: its settings.
        splits: how it is divided; two persons make a morph only if both belong to the same split.

    Returns:
        Columns of the manifest: image_id, label, identity (attacks), identity_2 (morphs), style (family objects), outfit
        (bodies with several). Columns for `rendering`: _label (number of class or identity), _number (of the image);
        of attacks _second (number of the other identity of a morph, of the same one elsewhere) and _of (number of the
        bona fide image that a morph is made of, of the image itself elsewhere).

    Raises:
        UserError: where a split has only one identity to make morphs of.
    """
    if domain in ATTACK_DOMAINS:
        return _attacks(name, domain, source, splits)
    names = labels_of(domain, source)
    label = np.repeat(np.arange(source.labels), source.images_per_label)
    number = np.tile(np.arange(source.images_per_label), source.labels)
    rows = pd.DataFrame(
        {
            "image_id": [f"{name}/{names[i]}/{k:04d}" for i, k in zip(label, number, strict=True)],
            "label": names[label],
            "_label": label,
            "_number": number,
        }
    )
    if domain == "object" and source.family == OBJECTS:
        rows["style"] = np.array(source.styles)[number % len(source.styles)]
    if source.outfits > 1:
        rows["outfit"] = [f"outfit-{k}" for k in number % source.outfits]
    return rows


def labels_of(domain: Domain, source: StudioSource) -> np.ndarray:
    """Names of the classes or identities, by number."""
    if domain == "object":
        return np.array(list(classes_of(source.family))[: source.labels])
    prefix = f"{SUBJECT[domain]}-{source.world}"
    return np.array([f"{prefix}-{i:05d}" for i in range(source.labels)])


def _attacks(name: str, domain: Domain, source: StudioSource, splits: Splits) -> pd.DataFrame:
    """Bona fide images of each identity, then attacks of each kind."""
    kinds = source.kinds_of_attack(domain)
    persons = labels_of(domain, source)
    each = [(BONA_FIDE, k) for k in range(source.images_per_label)]
    each += [(kind, k) for kind in kinds for k in range(source.attacks_per_label)]
    label = np.repeat(np.arange(source.labels), len(each))
    number = np.tile(np.arange(len(each)), source.labels)
    rows = pd.DataFrame(
        {
            "image_id": [f"{name}/{p}/{kind}-{k:03d}" for p in persons for kind, k in each],
            "label": [kind for _ in persons for kind, _ in each],
            "identity": persons[label],
            "_label": label,
            "_number": number,
            "_second": label,
            "_of": number,
        }
    )
    if domain == "mad":
        morph = number >= source.images_per_label
        of_recipe = np.tile([k for _, k in each], source.labels)[morph]
        partners = _partners(name, persons, source.attacks_per_label, splits)
        rows.loc[morph, "_second"] = partners[label[morph], of_recipe]
        rows.loc[morph, "_of"] = of_recipe % source.images_per_label
        rows["identity_2"] = pd.Series(persons[rows["_second"]], rows.index).where(morph)
    return rows


def _partners(name: str, persons: np.ndarray, count: int, splits: Splits) -> np.ndarray:
    """With whom each person is morphed, `(n, count)`: the next ones of the same split in the order of a hash."""
    split = np.asarray(split_by_hash(persons, splits.train, splits.val))
    place = fractions(persons, "partners")
    partners = np.empty((len(persons), count), np.int64)
    for one in np.unique(split):
        members = np.flatnonzero(split == one)
        if len(members) <= count:
            raise UserError(
                f"datasets.{name}: split {one} has {len(members)} identities; {count} morphs of each need "
                f"{count + 1}. Raise source.labels, or give the split another share"
            )
        members = members[np.argsort(place[members], kind="stable")]
        for k in range(count):
            partners[members, k] = np.roll(members, -1 - k)
    return partners

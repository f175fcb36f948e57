"""Identities and images that stand in two parts of the data."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.data.audit.duplicates import Duplicates
from unispace.data.audit.findings import Leak, both, finding, leak_name, some
from unispace.data.audit.parts import Part, Plan, is_leak


def shared_identities(
    images: pd.DataFrame, parts: list[Part], part: NDArray[np.int64], plan: Plan
) -> tuple[list[Leak], list[dict[str, Any]]]:
    """Identities in two parts.

    A name means the same person in all data sets of one family: of one studio world, one archive, one folder.
    Elsewhere names such as `001` recur, so that an equal name is worth a note and proves nothing.

    Returns:
        Leaks, and rows about all else that is worth a note.
    """
    both_of = images[["identity", "identity_2"]]
    people = {
        i: {name for column in both_of for name in both_of.loc[part == i, column].dropna().unique()}
        for i in range(len(parts))
    }
    leaks, rows = [], []
    for i, j in itertools.product(range(len(parts)), repeat=2):
        one, other = parts[i], parts[j]
        names = sorted(people[i] & people[j])
        if not names:
            continue
        related = plan.families[one.dataset] == plan.families[other.dataset]
        leaking = is_leak(one, other, plan)
        within = i < j and one.dataset == other.dataset and not is_leak(other, one, plan)
        if leaking and related:
            count = int(both_of[part == j].isin(names).any(axis=1).sum())
            allowed = leak_name("identities", one, other) in plan.allow
            leaks.append(Leak("identities", one, other, tuple(names), count, allowed))
        elif leaking or within:
            check = "shared-identities" if related else "equal-names"
            row = finding(other.dataset, check, both(one, other), len(names), some(names), "note")
            rows.append(row)
    return leaks, rows


def shared_images(
    images: pd.DataFrame, parts: list[Part], found: Duplicates, plan: Plan
) -> tuple[list[Leak], list[dict[str, Any]]]:
    """Images with a copy or a near copy, in the same part or in another one.

    A near copy is never more than a note, since two pictures of different persons in the same pose can be as near.

    Returns:
        Leaks, and rows about all else.
    """
    ids = images["image_id"].array
    leaks, rows = [], []
    for i, j in itertools.product(range(len(parts)), repeat=2):
        one, other = parts[i], parts[j]
        leaking = is_leak(one, other, plan)
        # Each two parts once, from the side of what is tested if one of them is.
        if not leaking and (i > j or is_leak(other, one, plan)):
            continue
        copies = np.flatnonzero(found.part == j) if leaking and i == j else found.copied(j, i)
        near = found.nearly_copied(j, i)
        if len(copies) and leaking:
            allowed = leak_name("images", one, other) in plan.allow
            leaks.append(Leak("images", one, other, tuple(ids[copies]), len(copies), allowed))
        elif len(copies):
            pair = ids[copies[0]], ids[found.copy_of(copies[0], i)]
            rows.append(_note(one, other, "exact-duplicates", len(copies), *pair))
        if len(near):
            pair = ids[near[0]], ids[found.near_copy_of(near[0], i)]
            rows.append(_note(one, other, "near-duplicates", len(near), *pair))
    return leaks, rows


def _note(
    one: Part, other: Part, check: str, count: int, first: str, second: str
) -> dict[str, Any]:
    detail = f"such as {first} and {second}"
    return finding(other.dataset, check, both(one, other), count, detail, "note")


def duplicates_within(name: str, parts: list[Part], found: Duplicates) -> list[dict[str, Any]]:
    """How many images of a data set have a copy or a near copy anywhere in it."""
    mine = [i for i, part in enumerate(parts) if part.dataset == name]
    pictures = found.picture[np.isin(found.part, mine)]
    copied = np.count_nonzero(found.images[pictures][:, mine].sum(axis=1) > 1)
    near = np.count_nonzero(found.near[pictures][:, mine].any(axis=1))
    return [
        finding(name, "exact-duplicates", "all", int(copied)),
        finding(name, "near-duplicates", "all", int(near)),
    ]


def copies_of_two_labels(
    name: str, images: pd.DataFrame, parts: list[Part], found: Duplicates
) -> list[dict[str, Any]]:
    """A note where equal images of a data set have different labels, of which one at least is wrong.

    Args:
        name: of the data set.
        images: all images of the study, in the order of `found`.
        parts: the parts.
        found: the copies.
    """
    mine = np.isin(found.part, [i for i, part in enumerate(parts) if part.dataset == name])
    here = images.loc[mine, ["image_id", "label"]].assign(picture=found.picture[mine])
    twice = here[here.groupby("picture")["label"].transform("nunique") > 1]
    if twice.empty:
        return []
    one = twice[twice["picture"] == twice["picture"].iloc[0]].drop_duplicates("label")
    detail = "such as " + " and ".join(one["image_id"].iloc[:2])
    return [finding(name, "copies-of-two-labels", name, len(twice), detail, "note")]

"""The audit: what the data of a study holds, what stands in it twice, and what leaks from training into test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from unispace.data.audit.counts import count_dataset
from unispace.data.audit.duplicates import find_duplicates
from unispace.data.audit.findings import Leak, finding
from unispace.data.audit.parts import Plan, parts_of
from unispace.data.audit.pretraining import pretraining
from unispace.data.audit.sharing import (
    copies_of_two_labels,
    duplicates_within,
    shared_identities,
    shared_images,
)
from unispace.errors import UserError
from unispace.records.left_out import LeftOut


@dataclass(frozen=True)
class Audit:
    """What was found.

    Attributes:
        table: rows as in `unispace.records.audit`.
        leaks: what leaks, also where it is let pass.
    """

    table: pd.DataFrame
    leaks: tuple[Leak, ...]

    def summary(self) -> dict[str, Any]:
        """Statistics of each data set, and all leaks with every identity or image concerned."""
        datasets: dict[str, Any] = {}
        for row in self.table.to_dict("records"):
            checks = datasets.setdefault(row["dataset"], {})
            checks.setdefault(row["check"], {})[row["subject"]] = row["count"]
        leaks = [
            {
                "name": leak.name,
                "trained": str(leak.trained),
                "tested": str(leak.tested),
                leak.kind: list(leak.subjects),
            }
            for leak in self.leaks
        ]
        return {"datasets": datasets, "leaks": leaks}


def audit(images: pd.DataFrame, left_out: Mapping[str, LeftOut], plan: Plan) -> Audit:
    """Audit the images of a study.

    Args:
        images: all of them, as of `read_images`.
        left_out: what prepare left out of each data set.
        plan: what the study does with its data sets.
    """
    parts, part = parts_of(images, plan)
    there = images["pixels"].notna().to_numpy()
    pictured = images[there].reset_index(drop=True)
    found = find_duplicates(pictured, part[there], len(parts))
    rows: list[dict[str, Any]] = []
    for name in plan.families:
        here = images[images["dataset"] == name]
        rows += count_dataset(name, here, parts, left_out[name])
        if name not in plan.without_images:
            rows += duplicates_within(name, parts, found)
            rows += copies_of_two_labels(name, pictured, parts, found)
    rows += pretraining(plan.registered, plan.weights)
    leaks: list[Leak] = []
    for some_leaks, notes in (
        shared_identities(images, parts, part, plan),
        shared_images(pictured, parts, found, plan),
    ):
        leaks += some_leaks
        rows += [*(leak.row() for leak in some_leaks), *notes]
    for name in sorted(set(plan.allow) - {leak.name for leak in leaks}):
        detail = "nothing of the kind was found: take it out, lest it hide a leak to come"
        rows.append(finding(name.split(":")[2], "unused-allowance", name, 0, detail, "note"))
    return Audit(pd.DataFrame(rows), tuple(leaks))


def refuse_leaks(result: Audit) -> None:
    """Stop where something leaks that the study does not let pass.

    Raises:
        UserError: with every leak, its first identities or images, and the remedy.
    """
    leaks = [leak for leak in result.leaks if not leak.allowed]
    if leaks:
        sentences = "\n".join(f"  - {leak.sentence()}" for leak in leaks)
        raise UserError(f"training data leaks into test data:\n{sentences}")

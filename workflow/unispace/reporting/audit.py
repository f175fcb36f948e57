"""The audit of the data as the page shows it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from unispace.errors import UserError


@dataclass(frozen=True)
class AuditLine:
    """A data set in the table of the audit; a triple is smallest, middle and largest value.

    What takes images is None where there are none.
    """

    dataset: str
    images: int
    per_label: tuple[int, int, int]
    single: int
    width: tuple[int, int, int] | None
    height: tuple[int, int, int] | None
    copies: int | None
    near: int | None
    not_chosen: int
    unreadable: int


@dataclass(frozen=True)
class Finding:
    """Something that the audit noted."""

    dataset: str
    check: str
    subject: str
    count: int
    detail: str
    severity: str


def audit_lines(
    audit: pd.DataFrame, datasets: Sequence[str], without: Collection[str] = ()
) -> list[AuditLine]:
    """A line for each data set, in their order.

    Args:
        audit: rows of the audit.
        datasets: the study's order.
        without: data sets without images.

    Raises:
        UserError: where the audit has not looked at one of them.
    """
    return [_line(audit[audit["dataset"] == n], n, pictured=n not in without) for n in datasets]


def _line(rows: pd.DataFrame, name: str, *, pictured: bool) -> AuditLine:
    counts = rows.set_index(["check", "subject"])["count"]

    def value(check: str, subject: str) -> int:
        try:
            return int(counts.loc[(check, subject)])
        except KeyError:
            raise UserError(
                f"the audit says nothing of {check} of `{name}`; delete audit.parquet and run snakemake again"
            ) from None

    def spread(check: str) -> tuple[int, int, int]:
        return value(check, "min"), value(check, "median"), value(check, "max")

    return AuditLine(
        dataset=name,
        images=int(rows.loc[rows["check"] == "images", "count"].sum()),
        per_label=spread("images-per-label"),
        single=value("images-per-label", "single"),
        width=spread("width") if pictured else None,
        height=spread("height") if pictured else None,
        copies=value("exact-duplicates", "all") if pictured else None,
        near=value("near-duplicates", "all") if pictured else None,
        not_chosen=value("left-out", "not chosen"),
        unreadable=value("left-out", "unreadable"),
    )


def findings(audit: pd.DataFrame) -> list[Finding]:
    """What is more than a count, in the order of the audit."""
    told = audit.loc[audit["severity"] != "ok", list(Finding.__dataclass_fields__)]
    return [Finding(*row) for row in told.itertuples(index=False)]

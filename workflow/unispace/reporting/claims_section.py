"""Verdicts on claims as the page shows them. Nothing here computes a number."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from unispace.records.claims import VERDICTS
from unispace.reporting.tables import Cell, cell

# Told by a sign and a word, so that no colour is needed.
SIGNS = dict(zip(VERDICTS, ("✓", "✗", "?", "–"), strict=True))


@dataclass(frozen=True)
class ClaimLine:
    """A claim, or one of its variants, as a line of the table.

    Attributes:
        claim, variant, statement, source, ours, verdict, why, about, test, metric, unit, figure: as recorded.
        sign: of the verdict.
        kind: the verdict as a class of the style sheet.
        number: the effect of the part that decides; None where the claim cannot be tested.
        p_value, p_contrary: corrected, as text; empty where there is none.
        exact_p: to sort by; empty where there is none.
        parts, met: how many parts it has, and how many hold by themselves.
        seeds: the spread over seeds in words; empty with one seed.
    """

    claim: str
    variant: str
    statement: str
    source: str
    ours: str
    verdict: str
    why: str
    about: str
    test: str
    metric: str
    unit: str
    figure: str
    sign: str
    kind: str
    number: Cell | None
    p_value: str
    p_contrary: str
    exact_p: str
    parts: int
    met: int
    seeds: str


@dataclass(frozen=True)
class PartLine:
    """A part of a claim as a line of its table."""

    name: str
    about: str
    test: str
    metric: str
    number: Cell
    unit: str
    p_value: str
    exact_p: str


@dataclass(frozen=True)
class Claims:
    """All claims of a study.

    Attributes:
        lines: in the order of the files.
        counts: how many have each verdict, in the order of `records.claims.VERDICTS`.
        levels: alpha and correction, each once.
        ours: statements, each with what of its test is ours.
        parts: of claims with several parts, the weakest few of each.
        left_out: how many parts are not shown.
    """

    lines: tuple[ClaimLine, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()
    levels: tuple[tuple[str, str], ...] = ()
    ours: tuple[tuple[str, str], ...] = ()
    parts: tuple[PartLine, ...] = ()
    left_out: int = 0


_SHOWN = 3
"""Parts of a claim that the page shows; all are in the table on disk."""


def claims_section(claims: tuple[pd.DataFrame, pd.DataFrame] | None) -> Claims:
    """What the page says of the claims.

    Args:
        claims: rows of `records.claims.CLAIMS_SCHEMA` and of `PARTS_SCHEMA`; None without claims.
    """
    if claims is None:
        return Claims()
    verdicts, parts = claims
    lines = tuple(_line(row) for _, row in verdicts.iterrows())
    number = Counter(line.verdict for line in lines)
    counts = tuple((verdict, number[verdict]) for verdict in VERDICTS if number[verdict])
    levels = dict.fromkeys(
        (f"{alpha:g}", str(by))
        for alpha, by in zip(verdicts["alpha"], verdicts["correction"], strict=True)
    )
    several = [line for line in lines if line.parts > 1 and line.number is not None]
    shown = [part for line in several for part in _weakest(line, parts)]
    left = sum(line.parts for line in several) - len(shown)
    ours = dict.fromkeys((line.statement, line.ours) for line in lines if line.ours)
    return Claims(lines, counts, tuple(levels), tuple(ours), tuple(shown), left)


def _line(row: pd.Series) -> ClaimLine:
    tested = not math.isnan(row["p_value"])
    seeds = ""
    if row["seeds"] > 1:
        seeds = f"{row['seeds']} seeds, deviation {row['seed_deviation']:.3g}"
        if not math.isnan(row["p_seeds"]):
            seeds += f", Wilcoxon p {p_in_words(row['p_seeds'])}"
    same = ("claim", "variant", "statement", "source", "ours", "verdict", "why", "about", "test", "metric", "unit", "figure")  # fmt: skip
    return ClaimLine(
        **{name: str(row[name]) for name in same},
        sign=SIGNS[row["verdict"]],
        kind=str(row["verdict"]).replace(" ", "-"),
        number=cell(row["effect"], row["lower"], row["upper"], int(row["n"]), "ok")
        if tested
        else None,
        p_value=p_in_words(row["p_corrected"]) if tested else "",
        p_contrary=p_in_words(row["p_contrary_corrected"]) if tested else "",
        exact_p=repr(float(row["p_corrected"])) if tested else "",
        parts=int(row["parts"]),
        met=int(row["met"]),
        seeds=seeds,
    )


def _weakest(line: ClaimLine, parts: pd.DataFrame) -> Sequence[PartLine]:
    mine = parts[(parts["claim"] == line.claim) & (parts["variant"] == line.variant)]
    chosen = mine.sort_values(["p_value", "p_contrary"], ascending=[False, True], kind="stable")
    return [
        PartLine(
            name=", ".join(part for part in (line.claim, line.variant) if part),
            about=str(row["about"]),
            test=str(row["test"]),
            metric=str(row["metric"]),
            number=cell(row["value"], row["lower"], row["upper"], int(row["n"]), "ok"),
            unit=str(row["unit"]),
            p_value=p_in_words(row["p_value"]),
            exact_p=repr(float(row["p_value"])),
        )
        for _, row in chosen.head(_SHOWN).iterrows()
    ]


def p_in_words(p_value: float) -> str:
    """A p value with three decimals.

    Examples:
        >>> p_in_words(0.0312), p_in_words(0.00004), p_in_words(1.0), p_in_words(0.9999)
        ('0.031', '<0.001', '1.000', '>0.999')
    """
    shown = f"{p_value:.3f}"
    if shown == "0.000":
        return "<0.001"
    return ">0.999" if shown == "1.000" and p_value < 1 else shown

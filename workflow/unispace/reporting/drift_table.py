"""Drifts as a table: for a terminal, and as Markdown for a pull request. Nothing here computes a number."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from unispace.evaluation.drift import ITEMS, KINDS, Drift
from unispace.reporting.tables import number

_HEADS = ("drift", "what", "expected", "found", "change", "allowed", "cell")
_RIGHT = ("drift", "expected", "found", "change", "allowed")


def summary(found: Sequence[Drift], cells: int) -> str:
    """One sentence: how many cells drifted, and in what way.

    Args:
        found: the drifts.
        cells: how many cells there are, expected or found.
    """
    if not found:
        return f"all {cells:,} cells are as expected"
    kinds = Counter(drift.kind for drift in found)
    told = ", ".join(f"{kinds[kind]:,} {kind}" for kind in KINDS if kinds[kind])
    return f"{len(found):,} of {cells:,} cells are not as expected ({told})"


def as_text(found: Sequence[Drift], most: int) -> str:
    """The largest drifts, aligned for a terminal; a last line says how many there are beyond.

    Args:
        found: the largest first.
        most: how many to list.
    """
    listed = _listed(found, most)
    rows = [_HEADS, *(_row(drift) for drift in listed)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADS))]
    lines = [
        "  ".join(
            cell.rjust(width) if head in _RIGHT else cell.ljust(width)
            for head, cell, width in zip(_HEADS, row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    reasons = [_reasons(listed)] if any(drift.status != "ok" for drift in listed) else []
    more = [f"... and {len(found) - most:,} more"] if len(found) > most else []
    return "\n".join([*lines, *more, *reasons])


def as_markdown(found: Sequence[Drift], cells: int, study: str, most: int) -> str:
    """A section with the largest drifts as a table, for the summary of a CI run or a pull request.

    Args:
        found: the largest first.
        cells: how many cells there are, expected or found.
        study: its name.
        most: how many to list.
    """
    lines = [
        f"## Results of study `{study}`",
        "",
        f"{summary(found, cells).capitalize()}.",
    ]
    if found:
        listed = _listed(found, most)
        lines += ["", _line(_HEADS), _line("---:" if h in _RIGHT else "---" for h in _HEADS)]
        lines += [_line(_escaped(cell) for cell in _row(drift)) for drift in listed]
        if len(found) > most:
            lines += ["", f"{len(found) - most:,} more are not listed."]
        if any(drift.status != "ok" for drift in listed):
            lines += ["", _escaped(_reasons(listed))]
        lines += [
            "",
            "*drift* is the change in allowances; *what* cannot be measured has none. If this is right: "
            '`unispace accept --reason "why"`, and commit.',
        ]
    return "\n".join(lines) + "\n"


def _listed(found: Sequence[Drift], most: int) -> Sequence[Drift]:
    """So many drifts, the largest; where there are more, what cannot be measured leaves half of the room to the rest."""
    measured = [drift for drift in found if not math.isinf(drift.size)]
    others = found[: len(found) - len(measured)]
    room = max(most // 2, most - len(measured))
    kept = others[:room]
    return [*kept, *measured[: most - len(kept)]]


def _row(drift: Drift) -> tuple[str, ...]:
    """The cells of a line, as `_HEADS`."""
    same = drift.kind == ITEMS
    return (
        "–" if math.isinf(drift.size) else f"{drift.size:.1f}x",
        drift.kind,
        f"n {drift.n_before:,}" if same else _number(drift.before),
        f"n {drift.n_after:,}" if same else _number(drift.after),
        "–" if math.isnan(drift.change) else signed(drift.change),
        "" if math.isnan(drift.allowance) else f"±{drift.allowance:.2g}",
        drift.name,
    )


def signed(value: float) -> str:
    """A difference with its sign, three digits."""
    return f"{value:+.3g}".replace("-", "−")


def _number(value: float) -> str:
    """A number of at most five digits, or what stands where there is none."""
    if math.isnan(value):
        return "–"
    return (number(value) if abs(value) < 10 else f"{value:,.5g}").replace("-", "−")


def _reasons(found: Sequence[Drift]) -> str:
    """Why cells failed, each reason once."""
    why = Counter(drift.status.removeprefix("failed: ") for drift in found if drift.status != "ok")
    return "Reasons: " + "; ".join(f"{reason} ({n})" for reason, n in why.most_common(5))


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escaped(text: str) -> str:
    """Markdown would take these for the border of a cell or for emphasis."""
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")

"""Rows of the benchmarks' table: one file for each that was measured, and the table of all."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "results" / "bench"
ROWS = FOLDER / "rows"
TABLE = FOLDER / "table.csv"
PAGE = FOLDER / "table.md"

MATERIAL = 1e-12
"""Differences below this are shown as none: they are the last bits of sums that were added in another order."""


@dataclass(frozen=True)
class Row:
    """One benchmark.

    Attributes:
        place: in the table; also the name of its file.
        what: is measured.
        against: what it is compared with.
        goal: that the value must reach.
        sense: whether the value must be at least or at most the goal.
        unit: of the value: `x` a ratio of CPU times (other / ours), `%` a share, `exponent` of cost over work.
        value: median of the repeats.
        low: smallest of the repeats.
        high: largest of the repeats.
        repeats: how many there were.
        ours: CPU seconds of our code, median, all threads together; None where nothing is timed.
        other: CPU seconds of what it is compared with, likewise.
        peak_mib: most memory of the process while ours ran, beyond what lay there before; None where it is not known.
        differs: largest difference between the results, in the terms of the benchmark; None where there are no two.
        within: the difference that counts as equal.
        note: what must be known to read the row; empty where nothing.
        limit: what stands in the way of the goal, from a profile; shown where it is missed, empty where nobody knows.
    """

    place: str
    what: str
    against: str
    goal: float
    sense: Literal["at least", "at most"]
    unit: Literal["x", "%", "exponent"]
    value: float
    low: float
    high: float
    repeats: int
    ours: float | None = None
    other: float | None = None
    peak_mib: float | None = None
    differs: float | None = None
    within: float | None = None
    note: str = ""
    limit: str = ""

    @property
    def met(self) -> bool:
        """Whether the value reaches the goal."""
        return self.value >= self.goal if self.sense == "at least" else self.value <= self.goal


def write(row: Row) -> Row:
    """Keep a row, in place of an earlier one of its place."""
    ROWS.mkdir(parents=True, exist_ok=True)
    path = ROWS / f"{row.place}.json"
    path.write_text(json.dumps(asdict(row), indent=2, ensure_ascii=False) + "\n", "utf-8")
    return row


def measured() -> list[Row]:
    """The rows that were measured last, in the order of the table.

    Raises:
        FileNotFoundError: where there are none.
    """
    rows = [Row(**json.loads(path.read_text("utf-8"))) for path in sorted(ROWS.glob("*.json"))]
    if not rows:
        raise FileNotFoundError(f"no benchmark in {ROWS}; run `make bench`")
    return rows


def as_csv(rows: list[Row]) -> str:
    """The table with every digit, as `from_csv` reads it."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [*Row.__dataclass_fields__, "met"], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        known = {k: "" if v is None else v for k, v in asdict(row).items()}
        writer.writerow(known | {"met": "yes" if row.met else "no"})
    return stream.getvalue()


def from_csv(text: str) -> list[Row]:
    """The rows of a table that `as_csv` wrote."""
    words = {"place", "what", "against", "sense", "unit", "note", "limit"}
    rows = []
    for line in csv.DictReader(io.StringIO(text)):
        line.pop("met")
        fields = {
            name: value if name in words else float(value) if value else None
            for name, value in line.items()
        }
        rows.append(Row(**{**fields, "repeats": int(line["repeats"])}))  # pyright: ignore[reportArgumentType]
    return rows


HEAD = ("what", "against", "goal", "measured", "met", "CPU s", "peak MiB", "differs by")


def cells(row: Row) -> tuple[str, ...]:
    """A row as text, in the columns of `HEAD`."""
    spread = f" ({_number(row, row.low)} to {_number(row, row.high)})" if row.repeats > 1 else ""
    seconds = "" if row.ours is None else _seconds(row.ours)
    if row.other is not None:
        seconds += f" / {_seconds(row.other)}"
    return (
        row.what,
        row.against,
        f"{row.sense} {row.goal:g}{_sign(row)}",
        f"{_number(row, row.value)}{_sign(row)}{spread}",
        "yes" if row.met else "**no**",
        seconds,
        "" if row.peak_mib is None else f"{row.peak_mib:,.0f}",
        _difference(row),
    )


def as_markdown(rows: list[Row]) -> str:
    """The table and its notes, for people."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}"]
    lines += [f"| {' | '.join(cells(row))} |" for row in rows]
    notes = [f"- {row.what}: {row.note}" for row in rows if row.note]
    limits = [
        f"- {row.what} misses its goal: {row.limit}" for row in rows if not row.met and row.limit
    ]
    lines += ["", *notes, *limits] if notes or limits else []
    return "\n".join(lines) + "\n"


def _sign(row: Row) -> str:
    return {"x": " x", "%": " %", "exponent": ""}[row.unit]


def _number(row: Row, value: float) -> str:
    if row.unit == "%":
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def _difference(row: Row) -> str:
    if row.differs is None:
        return ""
    return "0" if row.differs < MATERIAL else f"{row.differs:.1g}"

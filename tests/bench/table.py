"""The table of all benchmarks: `results/bench/table.csv` and `table.md`, and the section of the README.

Run as a script, it makes them of the rows that were measured last and prints the table. Its exit code tells whether
every goal is met or has a stated limit.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rows import (
    FOLDER,
    HEAD,
    PAGE,
    ROOT,
    TABLE,
    Row,
    as_csv,
    as_markdown,
    cells,
    from_csv,
    measured,
)

README = ROOT / "README.md"
BEGIN = "<!-- made by `make bench`: begin -->"
END = "<!-- made by `make bench`: end -->"


def section(rows: list[Row]) -> str:
    """What stands in the README between the markers."""
    met = sum(row.met for row in rows)
    return (
        f"{BEGIN}\n\n"
        f"`make bench` measures ours beside the straightforward way, each with one thread, in one process and by turns; "
        f"the results are\nshown to be equal first. {met} of {len(rows)} rows meet their goal. A ratio is CPU seconds of "
        f"the other way over ours: the\nmedian of the repeats, in brackets their smallest and largest.\n\n"
        f"{as_markdown(rows)}\n{END}"
    )


def with_section(readme: str, rows: list[Row]) -> str:
    """The README with its section made anew.

    Raises:
        ValueError: where it does not have both markers once.
    """
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise ValueError(f"the README must hold {BEGIN} and {END} once each")
    before, rest = readme.split(BEGIN)
    return before + section(rows) + rest.split(END)[1]


def as_text(rows: list[Row]) -> str:
    """The table for a terminal."""
    lines = [HEAD, *(tuple(cell.replace("*", "") for cell in cells(row)) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def make(rows: list[Row], folder: Path = FOLDER, readme: Path = README) -> None:
    """Write the table and the README's section."""
    (folder / TABLE.name).write_text(as_csv(rows), "utf-8")
    (folder / PAGE.name).write_text(as_markdown(rows), "utf-8")
    readme.write_text(with_section(readme.read_text("utf-8"), rows), "utf-8")


def committed() -> list[Row]:
    """The rows of the table as it was written last."""
    return from_csv(TABLE.read_text("utf-8"))


if __name__ == "__main__":
    found = measured()
    make(found)
    print(as_text(found))
    sys.exit(0 if all(row.met or row.limit for row in found) else 1)

"""Ours beside a peer in one process: equal first, then CPU seconds and memory, a row for each benchmark.

Run as a script, it prints the table of the rows that were written last.
"""

from __future__ import annotations

import json
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROWS = Path(__file__).resolve().parents[2] / "results" / "bench"
_MIB = 2**20


@dataclass(frozen=True)
class Row:
    """One benchmark.

    Attributes:
        name: what is measured; also the name of its file.
        goal: ratio that it must reach.
        ours: CPU seconds of our code, median of the repeats, all threads together.
        peer: CPU seconds of the peer, likewise.
        ratio: `peer / ours`.
        spread: smallest and largest ratio of the repeats.
        peak_mib: most memory that our code had allocated at once, beyond its input.
        equal: largest difference between the results, in the terms of the benchmark.
    """

    name: str
    goal: float
    ours: float
    peer: float
    ratio: float
    spread: tuple[float, float]
    peak_mib: float
    equal: float


def side_by_side(
    name: str,
    goal: float,
    ours: Callable[[], Any],
    peer: Callable[[], Any],
    difference: Callable[[Any, Any], float],
    within: float,
    repeats: int = 3,
) -> Row:
    """Compare two ways to the same result, and write the row to `results/bench/<name>.json`.

    The two alternate, so that a slower hour of the machine meets both. CPU time is taken and not wall time, because
    other work may share the machine. Memory is measured in a run of its own, since tracing costs time.

    Args:
        name: of the benchmark.
        goal: ratio that it must reach; it is shown, and for the caller to assert.
        ours: our code.
        peer: what it is compared with.
        difference: of what the two returned.
        within: largest difference that counts as equal.
        repeats: of the timing.

    Raises:
        AssertionError: where the results differ by more; no row is written then.
    """
    tracemalloc.start()
    try:
        found = ours()
        peak = tracemalloc.get_traced_memory()[1] / _MIB
    finally:
        tracemalloc.stop()
    seconds, expected = _timed(peer)
    equal = difference(found, expected)
    assert equal <= within, f"{name}: results differ by {equal:g}, more than {within:g}"
    del found, expected
    times = [(_timed(ours)[0], seconds)]
    times += [(_timed(ours)[0], _timed(peer)[0]) for _ in range(repeats - 1)]
    mine, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    ratios = [b / a for a, b in times]
    row = Row(
        name, goal, mine, theirs, theirs / mine, (min(ratios), max(ratios)), peak, float(equal)
    )
    ROWS.mkdir(parents=True, exist_ok=True)
    (ROWS / f"{name}.json").write_text(json.dumps(asdict(row), indent=2) + "\n", "utf-8")
    return row


def table() -> str:
    """The rows that were written last, as a table of text."""
    rows = [json.loads(path.read_text("utf-8")) for path in sorted(ROWS.glob("*.json"))]
    if not rows:
        return f"no benchmark in {ROWS}; run `make bench`"
    lines = [("benchmark", "ours s", "peer s", "ratio", "min-max", "goal", "peak MiB", "differs")]
    for row in rows:
        low, high = row["spread"]
        lines.append(
            (
                row["name"],
                f"{row['ours']:.2f}",
                f"{row['peer']:.2f}",
                f"{row['ratio']:.1f}",
                f"{low:.1f}-{high:.1f}",
                f"{row['goal']:g}",
                f"{row['peak_mib']:.0f}",
                f"{row['equal']:.1g}",
            )
        )
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of a call, and what it returned."""
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


if __name__ == "__main__":
    print(table())

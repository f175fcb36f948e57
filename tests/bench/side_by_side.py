"""Ours beside another way in one process: equal first, then CPU seconds of both by turns, and memory."""

from __future__ import annotations

import ctypes
import gc
import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rows import Row, write

_MIB = 2**20


@dataclass(frozen=True)
class Comparison:
    """What is compared, and how its row reads; fields as in `Row`."""

    place: str
    what: str
    against: str
    goal: float
    note: str = ""
    limit: str = ""


def side_by_side(
    row: Comparison,
    ours: Callable[[], Any],
    other: Callable[[], Any],
    difference: Callable[[Any, Any], float],
    within: float,
    *,
    repeats: int = 5,
    share: float = 1.0,
    count_first: bool = False,
) -> Row:
    """Compare two ways to the same result, and keep the row.

    The two alternate, and take turns in being first, so that a slower hour of the machine meets both, and neither
    always finds what the other left in caches and memory. CPU time is taken and not wall time, because
    other work may share the machine. A ratio is taken of each pair of neighbours; the row has their median, smallest
    and largest.

    Args:
        row: what is compared.
        ours: our code.
        other: what it is compared with.
        difference: of what the two returned.
        within: largest difference that counts as equal.
        repeats: of the timing.
        share: of the work that `other` does, whose seconds are divided by it.
        count_first: take the run that shows that both are equal for one of the repeats, where each takes long.

    Raises:
        AssertionError: where the results differ by more; no row is kept then.
    """
    found, seconds, peak = with_peak(ours)
    expected, of_other = timed(other)
    differs = float(difference(found, expected))
    assert differs <= within, f"{row.what}: results differ by {differs:g}, more than {within:g}"
    del found, expected
    times = [(seconds, of_other)] if count_first else []
    times += _by_turns(ours, other, repeats - len(times))
    times = [(mine, theirs / share) for mine, theirs in times]
    ratios = [theirs / mine for mine, theirs in times]
    mine, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    return write(
        Row(
            row.place,
            row.what,
            row.against,
            row.goal,
            "at least",
            "x",
            statistics.median(ratios),
            min(ratios),
            max(ratios),
            repeats,
            mine,
            theirs,
            peak,
            differs,
            within,
            row.note,
            row.limit,
        )
    )


def growth(
    row: Comparison,
    calls: Sequence[Callable[[], Any]],
    work: Sequence[float],
    *,
    repeats: int = 5,
) -> Row:
    """How the cost of two sizes of one thing grows with its work, as an exponent, and keep the row.

    An exponent of 1 is a cost that grows as the work does, less than 1 one that also has a fixed part.

    Args:
        row: what grows.
        calls: the smaller and the larger.
        work: of each, in any unit.
        repeats: of the timing, by turns.
    """
    small, large = calls
    small()
    large()
    times = _by_turns(small, large, repeats)
    exponents = [math.log(b / a) / math.log(work[1] / work[0]) for a, b in times]
    first, second = (statistics.median(column) for column in zip(*times, strict=True))
    return write(
        Row(
            row.place,
            row.what,
            row.against,
            row.goal,
            "at most",
            "exponent",
            statistics.median(exponents),
            min(exponents),
            max(exponents),
            repeats,
            second,
            first,
            note=row.note,
            limit=row.limit,
        )
    )


def _by_turns(
    one: Callable[[], Any], other: Callable[[], Any], repeats: int
) -> list[tuple[float, float]]:
    """CPU seconds of two calls that alternate; every second time the other begins."""
    times = []
    for number in range(repeats):
        seconds = {}
        for call in (one, other) if number % 2 == 0 else (other, one):
            gc.collect()
            seconds[call] = timed(call)[1]
        times.append((seconds[one], seconds[other]))
    return times


def reaches(row: Row) -> None:
    """Fail where a row misses its goal, unless it says what the limit is.

    Raises:
        AssertionError: where it does.
    """
    assert row.met or row.limit, (
        f"{row.what}: {row.value:.3g} ({row.low:.3g} to {row.high:.3g}), the goal is {row.sense} {row.goal:g}"
    )


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call returned, and its CPU seconds."""
    start = time.process_time()
    result = call()
    return result, time.process_time() - start


def with_peak(call: Callable[[], Any]) -> tuple[Any, float, float | None]:
    """What a call returned, its CPU seconds, and the MiB of RAM that it needed beyond what lay there before.

    Counted by the system, so libraries that do not allocate through Python are in it. None where the system is not
    Linux.
    """
    if sys.platform != "linux":
        return *timed(call), None
    gc.collect()
    # Memory that was freed before would hide what the call takes.
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # forget the highest so far
    before = _resident("VmRSS")
    result, seconds = timed(call)
    return result, seconds, max(0.0, _resident("VmHWM") - before)


def resident() -> float:
    """MiB of RAM that this process has; 0 where the system is not Linux."""
    return _resident("VmRSS") if sys.platform == "linux" else 0.0


def _resident(name: str) -> float:
    """A number of MiB that the system knows of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / _MIB
    raise ValueError(f"/proc/self/status has no {name}")

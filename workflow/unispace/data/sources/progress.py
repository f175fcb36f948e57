"""Lines in the log that say how far a long transfer is."""

from __future__ import annotations

import logging
import time

log = logging.getLogger(__name__)

EVERY = 5.0
"""Seconds between two lines."""


class Progress:
    """Counts bytes and now and then says percent, MB/s and the time left."""

    def __init__(self, name: str, total: int | None, done: int = 0) -> None:
        """Begin with `done` of `total` bytes (None where the total is not known)."""
        self._name, self._total, self._done = name, total, done
        self._start = self._last = time.monotonic()
        self._first = done

    def add(self, count: int) -> None:
        """Count further bytes."""
        self._done += count
        now = time.monotonic()
        if now - self._last >= EVERY:
            self._last = now
            log.info("%s", self.line(now - self._start))

    def line(self, seconds: float) -> str:
        """The line after `seconds` of transfer."""
        speed = (self._done - self._first) / max(seconds, 1e-9)
        rate = f"{speed / 1e6:.1f} MB/s"
        if not self._total:
            return f"{self._name}: {self._done / 1e6:,.1f} MB, {rate}"
        left = duration((self._total - self._done) / speed) if speed else "unknown time"
        return (
            f"{self._name}: {100 * self._done / self._total:.0f} % of "
            f"{self._total / 1e6:,.1f} MB, {rate}, {left} left"
        )


def duration(seconds: float) -> str:
    """A time in the two largest units that matter."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"

"""The page's section on where the time of a run went.

Times differ from run to run, and the page that its rule renders must not: so the rule leaves the section empty, between two
marks, and what ends a run puts the times into it. Two pages of one study are equal in every byte outside of the marks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unispace.errors import UserError
from unispace.records.files import replacing
from unispace.records.times import RuleTimes
from unispace.reporting.templating import render_part

_BEGIN, _END = "<!-- times of the run -->", "<!-- end of the times -->"
_MARKED = re.compile(f"{_BEGIN}.*?{_END}", re.DOTALL)
_FILLED = f"{_BEGIN}\n<p>"


@dataclass(frozen=True)
class LastRun:
    """What is known of the run that ends.

    Attributes:
        seconds: from its beginning.
        cores: that it was given; None where its jobs went elsewhere.
        jobs: how many it ran.
    """

    seconds: float
    cores: int | None
    jobs: int


def fill_times(
    page: Path, templates: Path, times: Sequence[RuleTimes], last: LastRun | None = None
) -> None:
    """Put the times into a page, in place of what its section holds.

    Args:
        page: that a rule rendered.
        templates: folder of times.html.j2.
        times: of each rule, at least one.
        last: the run that ends; None where it is not known.

    Raises:
        UserError: where the page has no such section, or the template is missing or wrong.
    """
    html = page.read_text("utf-8")
    if not _MARKED.search(html):
        raise UserError(f"{page}: has no place for times; delete it and run snakemake again")
    part = render_part(templates, "times.html.j2", _context(times, last))
    with replacing(page) as temporary:
        temporary.write_text(_MARKED.sub(lambda _: f"{_BEGIN}\n{part}\n{_END}", html), "utf-8")


def lacks_times(page: Path) -> bool:
    """Whether the section of a page is as its rule left it."""
    return _FILLED not in page.read_text("utf-8")


def without_times(html: str) -> str:
    """A page without what differs from run to run."""
    return _MARKED.sub(_BEGIN + _END, html)


def _context(times: Sequence[RuleTimes], last: LastRun | None) -> dict[str, Any]:
    total = sum(rule.cpu or 0 for rule in times)
    rules = [
        {**vars(rule), "share": round(100 * (rule.cpu or 0) / total) if total else 0}
        for rule in sorted(times, key=lambda rule: (-(rule.cpu or 0), -rule.seconds, rule.rule))
    ]
    return {
        "rules": rules,
        "first": rules[0],
        "jobs": sum(rule.jobs for rule in times),
        "wall": _spoken(sum(rule.seconds for rule in times)),
        "cpu": _spoken(total),
        "last": last
        and {"time": _spoken(last.seconds), "jobs": last.jobs, "where": _where(last.cores)},
    }


def _where(cores: int | None) -> str:
    if cores is None:
        return "on other machines"
    return f"on {cores} core{'' if cores == 1 else 's'}"


def _spoken(seconds: float) -> str:
    """A time in the two units that matter."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"

"""Make the results of a run the expected ones, and record why.

Rewrites results/golden.csv and adds a line to results/accepted.csv (of other studies with -<study> behind the name), which
the page of the study shows. Commit both.
"""

from __future__ import annotations

import argparse
import datetime
import logging
import math
import subprocess

import pandas as pd

from unispace.commands.common.gate import found_of
from unispace.commands.common.versions import add_study, versions_of
from unispace.errors import UserError
from unispace.evaluation.drift import LOST, NEW, Drift, drifts
from unispace.kernels import processor
from unispace.records.golden import (
    GOLDEN_SCHEMA,
    KEYS,
    Acceptance,
    add_acceptance,
    read_golden,
    write_golden,
)

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--reason", required=True, help="why the new results are right")
    add_study(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    reason = " ".join(arguments.reason.split())
    if not reason:
        raise UserError("--reason: empty; say why the new results are right, for the page shows it")
    versions = versions_of(arguments.study)
    found = found_of(versions, str(arguments.study))
    path = versions.golden
    before = read_golden(path) if path.exists() else GOLDEN_SCHEMA.empty_table().to_pandas()
    seen = drifts(before, found)
    changed, lost, new = _counts(before, found)
    if not changed + lost + new:
        log.info("%s: expects exactly these results already; nothing to accept", path)
        return
    accepted = Acceptance(
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        commit=_commit(),
        cells=len(found),
        changed=changed,
        lost=lost,
        new=new,
        biggest=_biggest(seen),
        processor=processor(),
        reason=reason,
    )
    write_golden(found, path)
    add_acceptance(accepted, versions.accepted)
    log.info(
        "%s: %d cells, of which %d changed and %d are new; %d are no more\n"
        "now commit it with the reason:\n  git add %s %s && git commit",
        *(path, len(found), changed, new, lost, path, versions.accepted),
    )


def _counts(before: pd.DataFrame, found: pd.DataFrame) -> tuple[int, int, int]:
    """How many cells are other than before in anything, are no more, and are new."""
    both = before.merge(found, on=KEYS, how="outer", suffixes=("_was", "_is"), indicator=True)
    inner = both[both["_merge"] == "both"]
    other = pd.Series(False, index=inner.index)
    for name in [name for name in GOLDEN_SCHEMA.names if name not in KEYS]:
        was, now = inner[f"{name}_was"], inner[f"{name}_is"]
        other |= (was != now) & ~(was.isna() & now.isna())
    sides = both["_merge"].value_counts()
    return int(other.sum()), int(sides["left_only"]), int(sides["right_only"])


def _biggest(seen: list[Drift]) -> str:
    """The cell that moved most against its allowance; what has no size is counted and not listed."""
    sized = [drift for drift in seen if not math.isinf(drift.size)]
    if sized:
        return f"{sized[0].name}: {sized[0].change:+.3g}, allowed ±{sized[0].allowance:.2g}"
    rest = [drift for drift in seen if drift.kind not in (LOST, NEW)]
    return f"{rest[0].name}: {rest[0].kind}" if rest else ""


def _commit() -> str:
    """The commit that is checked out, with `+` where files that Git knows were changed since.

    Raises:
        UserError: where this is no Git repository, or one without a commit.
    """

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607  # the user's git
        if done.returncode:
            raise UserError(
                f"git {' '.join(arguments)}: {done.stderr.strip()}; an acceptance records the commit it was made on"
            )
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return git("rev-parse", "--short=10", "HEAD") + ("+" if changed else "")

"""What the gate and the acceptance of its drifts share: expected results, and those that a run found."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from unispace.commands.common.versions import DEFAULT, Versions
from unispace.errors import UserError
from unispace.evaluation.drift import Drift, drifts
from unispace.evaluation.expectation import expectation
from unispace.records.golden import KEYS, read_golden
from unispace.records.results import SCHEMA
from unispace.records.tables import read_table


@dataclass(frozen=True)
class Compared:
    """A run against what was expected of it.

    Attributes:
        expected, found: as `expectation` gives them.
        drifts: the largest first.
    """

    expected: pd.DataFrame
    found: pd.DataFrame
    drifts: list[Drift]

    @property
    def cells(self) -> int:
        """How many cells there are, expected or found."""
        return len(self.expected[KEYS].merge(self.found[KEYS], how="outer"))


def found_of(versions: Versions, file: str) -> pd.DataFrame:
    """What a run found, in the form in which it is expected.

    Args:
        versions: of the study.
        file: of the study, for messages.

    Raises:
        UserError: where nothing has run yet, or the results are damaged or of another study.
    """
    path = versions.results
    if not path.is_file():
        more = "" if file == str(DEFAULT) else f" --configfile {file}"
        raise UserError(
            f"{path}: no results of study {versions.study.study} yet; run `snakemake --cores 2{more}`"
        )
    results = read_table(path, SCHEMA)
    others = set(results["study"]) - {versions.study.study}
    if others:
        raise UserError(f"{path}: holds results of another study, {', '.join(sorted(others))}")
    return expectation(results)


def compare(versions: Versions, file: str) -> Compared:
    """Hold a run against what was expected of it.

    Args:
        versions: of the study.
        file: of the study, for messages.

    Raises:
        UserError: where nothing is expected or nothing has run yet, or a file is damaged.
    """
    path = versions.golden
    if not path.is_file():
        more = "" if file == str(DEFAULT) else f" {file}"
        raise UserError(
            f"{path}: nothing is expected of study {versions.study.study} yet; after a run that you trust: "
            f'`unispace accept --reason "first results"{more}`'
        )
    expected, found = read_golden(path), found_of(versions, file)
    return Compared(expected, found, drifts(expected, found))

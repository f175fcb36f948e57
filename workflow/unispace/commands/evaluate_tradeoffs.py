"""What tuning cost and gained: GELO, drops on each general set and gains, of all models of a backbone."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unispace.commands.common import evaluation as io
from unispace.commands.common.measured import Measured
from unispace.commands.common.measured import configure as declare_compared
from unispace.config.tradeoffs import Gained, Tradeoffs
from unispace.data.held_out import HELD_OUT
from unispace.errors import UserError
from unispace.evaluation.gelo import (
    EXPERIMENT,
    FIXED_SETS,
    GENERAL,
    average,
    drop,
    gain,
    measure_gelo,
)
from unispace.evaluation.measure import Measure
from unispace.evaluation.tidy import Cell, rows_of_cells
from unispace.records.code import code_of
from unispace.records.files import sha256_of, sha256_of_text

CLASSIFICATION = "classification"
_PROTOCOLS = ("zero-shot:", "linear-probe")

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    declare_compared(parser, "study, seed, models, tradeoffs, gains")


def run(arguments: argparse.Namespace) -> None:
    """Run the command.

    Raises:
        UserError: where a number that is compared is missing.
    """
    settings = json.loads(arguments.settings)
    measured = Measured.read(arguments.measured, arguments.samples)
    code = [sha256_of(path) for path in code_of("evaluate_tradeoffs")]
    job = _Job(settings, measured, (arguments.settings, *code))
    found = [
        numbered
        for model, base in settings["models"]
        for numbered in (*job.general(model, base), *job.gains(model, base))
    ]
    # The rows of failed models come with their reason.
    io.write_metrics([rows_of_cells(found)], arguments.metrics, {})


@dataclass(frozen=True)
class _Job:
    """What is compared.

    Attributes:
        settings: of the command.
        measured: the published numbers.
        made_of: settings and hashes of the code.
    """

    settings: dict[str, Any]
    measured: Measured
    made_of: tuple[str, ...]

    def general(self, model: str, base: str) -> Iterator[tuple[Cell, Measure]]:
        """Average, GELO and drops of a model by every protocol; of the base itself the average alone."""
        part = Tradeoffs.model_validate(self.settings["tradeoffs"])
        for protocol, datasets in self._protocols(base, part).items():
            found = {
                who: {
                    d: self.measured.found(who, d, CLASSIFICATION, protocol, part.metric)
                    for d in datasets
                }
                for who in (model, base)
            }
            after, before = ({d: f.measure for d, f in found[who].items()} for who in (model, base))
            origins = [f.origin for who in found.values() for f in who.values()]
            for name, stream in self._streams(protocol):
                about = self._cell(model, GENERAL, name, origins)
                yield about, average(after, stream())
                if model != base:
                    for measure in measure_gelo(after, before, stream()):
                        yield replace(about, source=base), measure
            if model != base:
                for dataset in datasets:
                    ends = [found[who][dataset] for who in (model, base)]
                    about = self._cell(model, dataset, protocol, [f.origin for f in ends])
                    yield (
                        replace(about, source=base),
                        drop(*(f.measure for f in ends)),
                    )

    def gains(self, model: str, base: str) -> Iterator[tuple[Cell, Measure]]:
        """What a tuned model gained in each biometric task; more is better, whatever the metric."""
        for asked in (Gained(*g) for g in self.settings["gains"] if model != base):
            ends = [
                self.measured.found(
                    who, asked.dataset, asked.experiment, asked.protocol, asked.metric
                )
                for who in (model, base)
            ]
            about = self._cell(model, asked.dataset, asked.protocol, [f.origin for f in ends])
            measure = gain(*(f.measure for f in ends), rising=asked.rising)
            yield replace(about, source=base), measure

    def _protocols(self, base: str, part: Tradeoffs) -> dict[str, list[str]]:
        """By which protocols general ability was measured, each with the sets that have it.

        A set without a train split has no linear probe, as ImageNet-V2 in the paper; it is left out of that average
        for all models alike. A cell that failed is there and counts.

        Raises:
            UserError: where there is none.
        """
        found: dict[str, list[str]] = {}
        for dataset in part.datasets:
            for name in self.measured.protocols(base, dataset, CLASSIFICATION, part.metric):
                if name.startswith(_PROTOCOLS) and not name.endswith(f"/{HELD_OUT}"):
                    found.setdefault(name, []).append(dataset)
        if not found:
            raise UserError(
                f"{base}: no {part.metric} by texts or a linear probe on {', '.join(part.datasets)}; set "
                f"evaluation.linear_probe or prompts.datasets, or take out tradeoffs"
            )
        for protocol, datasets in found.items():
            without = [d for d in part.datasets if d not in datasets]
            if without:
                log.info("%s: not measured by %s on %s", base, protocol, ", ".join(without))
        return found

    def _streams(
        self, protocol: str
    ) -> tuple[tuple[str, Callable[[], np.random.Generator | None]], ...]:
        """Protocols of the intervals with their random numbers, which are the same for all models."""
        seed = self.settings["seed"]
        return (
            (protocol, lambda: io.generator(seed, EXPERIMENT, protocol)),
            (f"{protocol}/{FIXED_SETS}", lambda: None),
        )

    def _cell(self, model: str, dataset: str, protocol: str, origins: list[str]) -> Cell:
        return Cell(
            study=self.settings["study"],
            experiment=EXPERIMENT,
            dataset=dataset,
            protocol=protocol,
            seed=self.settings["seed"],
            origin=sha256_of_text(*self.made_of, *origins),
            model=model,
        )

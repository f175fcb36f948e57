"""Compare the tuned models of a backbone with its base model and its experts, image by image."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from unispace.commands.common import evaluation as io
from unispace.commands.common.measured import Measured
from unispace.commands.common.measured import configure as declare_compared
from unispace.errors import UserError
from unispace.evaluation.changes import change
from unispace.evaluation.tasks import TaskNumber, task_numbers
from unispace.evaluation.tidy import Cell, rows
from unispace.records.code import code_of
from unispace.records.files import sha256_of, sha256_of_text


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    declare_compared(parser, "study, seed, domains, changes, evaluation")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    measured = Measured.read(arguments.measured, arguments.samples)
    code = [sha256_of(path) for path in code_of("evaluate_changes")]
    tables = []
    for model, reference, datasets in settings["changes"]:
        for dataset in datasets:
            for number in task_numbers(settings["domains"][dataset], evaluation):
                for protocol, further in _protocols(measured, model, dataset, number):
                    one, other = (
                        measured.found(m, dataset, number.experiment, protocol, number.metric)
                        for m in (model, reference)
                    )
                    cell = Cell(
                        study=settings["study"],
                        experiment="change",
                        dataset=dataset,
                        protocol=f"paired/{further}" if further else "paired",
                        seed=settings["seed"],
                        origin=sha256_of_text(arguments.settings, one.origin, other.origin, *code),
                        model=model,
                        source=reference,
                    )
                    tables.append(rows(cell, [change(one.measure, other.measure)]))
    # The rows of failed models come with their reason.
    io.write_metrics(tables, arguments.metrics, {})


def _protocols(
    measured: Measured, model: str, dataset: str, number: TaskNumber
) -> Iterator[tuple[str, str]]:
    """By which protocols a number was taken, and what tells each from the others.

    Raises:
        UserError: where it was taken by none.
    """
    taken = measured.protocols(model, dataset, number.experiment, number.metric)
    found = [(protocol, number.further(protocol)) for protocol in taken]
    known = [(protocol, further) for protocol, further in found if further is not None]
    if not known:
        raise UserError(
            f"{model} on {dataset}: no {number.metric} by {number.protocol} among the metrics; "
            f"delete results/<study>/metrics and run snakemake again"
        )
    yield from known

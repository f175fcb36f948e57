"""Verify templates, persons shown by several images and videos, on listed pairs."""

from __future__ import annotations

import argparse

from unispace.commands.common import evaluation as io
from unispace.config.templates import TemplateProtocol
from unispace.data.protocols.templates import read_template_lists
from unispace.errors import UserError
from unispace.evaluation import tidy
from unispace.evaluation.templates import compare_templates
from unispace.evaluation.tidy import Cell
from unispace.evaluation.verification import thin, verify
from unispace.records.places import locate

EXPERIMENT = "template-verification"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    io.configure_test(
        parser, "study, model, seed, dataset, templates (content and fmr)", curves="ROC"
    )
    parser.add_argument("--images", required=True, help="which images make a template")
    parser.add_argument("--pairs", required=True, help="which templates are compared")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    dataset, model = settings["dataset"], settings["model"]
    where = f"evaluation.templates.{dataset}"
    protocol = TemplateProtocol(
        images=arguments.images, pairs=arguments.pairs, fmr=tuple(settings["fmr"])
    )
    images = locate(protocol.images, f"{where}.images")
    pairs = locate(protocol.pairs, f"{where}.pairs")
    embeddings = io.load_split(arguments.embeddings / dataset, evaluation.split)
    index = embeddings.index
    scores = compare_templates(
        read_template_lists(images, pairs, where),
        index["image_id"].to_numpy(dtype=str),
        index["identity"].to_numpy(dtype=str),
        embeddings.vectors,
        where,
    )
    if scores.genuine.all() or not scores.genuine.any():
        kind = "impostor" if scores.genuine.all() else "genuine"
        raise UserError(
            f"{where}.pairs: {pairs} lists no {kind} pair, so nothing can be told apart"
        )
    cell = Cell(
        study=settings["study"],
        experiment=EXPERIMENT,
        dataset=dataset,
        protocol="templates",
        seed=settings["seed"],
        origin=io.origin(
            "evaluate_templates", arguments.settings, embeddings, files=[images, pairs]
        ),
        model=model,
    )
    rng = io.generator(settings["seed"], EXPERIMENT, dataset)
    measures, curve = verify(scores, protocol.fmr, evaluation.resamples, rng)
    shown = thin(curve)
    tables = [tidy.rows(cell, measures)]
    failed = io.failures({model: arguments.embeddings / dataset})
    io.write_metrics(tables, arguments.metrics, failed)
    io.write_samples(tables, arguments.samples, failed)
    io.write_curves([tidy.points(cell, shown.fmr, shown.tmr)], arguments.curves, failed)

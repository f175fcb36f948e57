"""Tune a backbone with a curriculum."""

from __future__ import annotations

import argparse
import json
import logging
import shutil
from pathlib import Path
from typing import Any

from unispace.commands.common.models import add_model_outputs, add_training
from unispace.config.backbones import Backbone
from unispace.config.curricula import Curriculum
from unispace.records.files import read_json, replacing, sha256_of, write_json
from unispace.records.models import HISTORY_SCHEMA
from unispace.records.tables import write_table

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: model, backbone, curriculum, seed")
    parser.add_argument("--pretrained", type=Path, required=True, help="weights of the backbone")
    parser.add_argument("--pretrained-card", type=Path, required=True)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of all data sets of the study"
    )
    add_model_outputs(parser)
    add_training(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    curriculum = Curriculum.model_validate(settings["curriculum"])
    base = read_json(arguments.pretrained_card)
    if curriculum.train_on:
        _tune(settings, curriculum, base, arguments)
        return
    # The base model is the backbone as it is; no network is needed to copy a file.
    with replacing(arguments.weights) as temporary:
        shutil.copyfile(arguments.pretrained, temporary)
    write_table(HISTORY_SCHEMA.empty_table().to_pandas(), HISTORY_SCHEMA, arguments.history)
    _write_card(settings, base, {}, arguments)


def _tune(
    settings: dict[str, Any],
    curriculum: Curriculum,
    base: dict[str, Any],
    arguments: argparse.Namespace,
) -> None:
    """Train and write weights, history and card."""
    from unispace.backbones.arithmetic import fix_arithmetic
    from unispace.backbones.network import Network, card, load_weights, save_weights
    from unispace.curricula.resume import Resume, training_key
    from unispace.curricula.tasks import load_task, share_labels
    from unispace.curricula.training import Diverged, train

    backbone = Backbone.model_validate(settings["backbone"])
    fix_arithmetic(arguments.threads)
    network = Network(backbone)
    load_weights(network, arguments.pretrained, settings["model"])
    folders = {name: arguments.data / name for name in curriculum.train_on}
    files = [arguments.pretrained]
    files += [f / part for f in folders.values() for part in ("manifest.parquet", "images.npy")]
    key = training_key("train_model", arguments.settings, files, arguments.threads)
    resume = Resume(arguments.resume, key)
    with resume.scratch() as scratch:
        tasks = [
            load_task(name, folders[name], how, backbone.preprocessing, scratch)
            for name, how in curriculum.train_on.items()
        ]
        tasks = share_labels(tasks)
        failed = None
        try:
            history = train(
                network, tasks, curriculum, curriculum.coupling, settings["seed"], resume
            )
        except Diverged as error:
            # The rest of the study goes on: this model's cells say why they are empty.
            log.error("%s", error)
            history, failed = error.history, str(error)
    save_weights(network, arguments.weights)
    write_table(history, HISTORY_SCHEMA, arguments.history)
    tuned = card(backbone, network, arguments.weights)
    _write_card(settings, base, {**tuned, "failed": failed} if failed else tuned, arguments)
    resume.clear()


def _write_card(
    settings: dict[str, Any],
    base: dict[str, Any],
    tuned: dict[str, Any],
    arguments: argparse.Namespace,
) -> None:
    write_json(
        arguments.card,
        {
            **base,
            **tuned,
            "weights_sha256": sha256_of(arguments.weights),
            "pretrained_sha256": base["weights_sha256"],
            "model": settings["model"],
            "curriculum": settings["curriculum"],
            "seed": settings["seed"],
        },
    )

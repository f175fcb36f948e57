"""Tune a backbone with a curriculum."""

from __future__ import annotations

import argparse
import json
import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unispace.commands.common.models import add_model_outputs, add_training
from unispace.config.backbones import Backbone
from unispace.config.curricula import Curriculum
from unispace.config.training_input import embedded_as
from unispace.records.files import read_json, replacing, sha256_of, write_json
from unispace.records.finished import keep, take_over
from unispace.records.heads import AttackHead, write_heads
from unispace.records.models import HISTORY_SCHEMA, TIMING_SCHEMA
from unispace.records.tables import write_table

if TYPE_CHECKING:
    from unispace.backbones.network import Network
    from unispace.curricula.heads import BinaryHead
    from unispace.curricula.history import History
    from unispace.curricula.processes import World
    from unispace.curricula.resume import Resume

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
    parser.add_argument("--heads", type=Path, required=True, help="binary heads, kept for scores")
    parser.add_argument("--timing", type=Path, required=True, help="table: how fast it went")
    add_training(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    curriculum = Curriculum.model_validate(settings["curriculum"])
    base = read_json(arguments.pretrained_card)
    if curriculum.train_on:
        _tune(settings, curriculum, base, arguments)
        return
    if curriculum.untrained:
        _draw(settings, base, arguments)
    else:
        # The base model is the backbone as it is; no network is needed to copy a file.
        with replacing(arguments.weights) as temporary:
            shutil.copyfile(arguments.pretrained, temporary)
        _write_card(settings, base, {}, arguments)
    write_heads({}, arguments.heads)
    for schema, path in ((HISTORY_SCHEMA, arguments.history), (TIMING_SCHEMA, arguments.timing)):
        write_table(schema.empty_table().to_pandas(), schema, path)


def _draw(settings: dict[str, Any], base: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Write fresh random weights and their card."""
    import torch

    from unispace.backbones.arithmetic import fix_arithmetic
    from unispace.backbones.network import Network, card, save_weights
    from unispace.curricula.randomness import generator

    backbone = Backbone.model_validate(settings["backbone"])
    fix_arithmetic(arguments.threads)
    key = generator(settings["seed"], settings["model"], "untrained")
    torch.manual_seed(key.initial_seed())
    network = Network(backbone)
    save_weights(network, arguments.weights)
    _write_card(settings, base, card(backbone, network, arguments.weights), arguments)


def _tune(
    settings: dict[str, Any],
    curriculum: Curriculum,
    base: dict[str, Any],
    arguments: argparse.Namespace,
) -> None:
    """Train and write weights, history and card."""
    from unispace.backbones.devices import devices_for
    from unispace.backbones.network import card, save_weights
    from unispace.curricula.history import History
    from unispace.curricula.processes import together
    from unispace.curricula.resume import Resume, training_key

    folders = [arguments.data / name for name in curriculum.train_on]
    files = [arguments.pretrained]
    files += [folder / part for folder in folders for part in ("manifest.parquet", "images.npy")]
    devices = devices_for(arguments.gpus, curriculum.processes)
    key = training_key("train_model", arguments.settings, files, arguments.threads, devices[0])
    resume = Resume(arguments.resume, key)
    outputs = [
        *(arguments.weights, arguments.heads, arguments.history, arguments.card),
        arguments.timing,
    ]
    if take_over(resume.folder, outputs):
        return
    history = History(tuple(curriculum.train_on))
    with (
        resume.scratch() as scratch,
        together(devices, _train, (arguments, resume, history), scratch) as world,
    ):
        network, heads, failed = _train(world, scratch, arguments, resume, history)
    save_weights(network, arguments.weights)
    write_heads({name: _kept(head) for name, head in heads.items()}, arguments.heads)
    write_table(history.table(), HISTORY_SCHEMA, arguments.history)
    write_table(history.timing(), TIMING_SCHEMA, arguments.timing)
    backbone = Backbone.model_validate(settings["backbone"])
    tuned = card(embedded_as(backbone, curriculum.input), network, arguments.weights)
    _write_card(settings, base, {**tuned, **({"failed": failed} if failed else {})}, arguments)
    keep(resume.folder, outputs)


def _train(
    world: World,
    scratch: Path,
    arguments: argparse.Namespace,
    resume: Resume,
    history: History,
) -> tuple[Network, dict[str, BinaryHead], str | None]:
    """Train as one of the processes of a training; returns the network, its heads, and why it failed if it did."""
    from unispace.backbones.arithmetic import fix_arithmetic
    from unispace.backbones.network import Network, load_weights
    from unispace.curricula.randomness import training_seed
    from unispace.curricula.tasks import load_task, share_labels
    from unispace.curricula.training import Diverged, train

    settings = json.loads(arguments.settings)
    backbone = Backbone.model_validate(settings["backbone"])
    curriculum = Curriculum.model_validate(settings["curriculum"])
    fix_arithmetic(arguments.threads)
    network = Network(backbone)
    load_weights(network, arguments.pretrained, settings["model"])
    validate = curriculum.validate_every > 0 and world.rank == 0
    tasks = [
        load_task(
            name,
            arguments.data / name,
            how,
            backbone.preprocessing,
            scratch,
            head=curriculum.head_of(name),
            validate=validate,
        )
        for name, how in curriculum.train_on.items()
    ]
    seed = training_seed(settings["seed"], settings["model"])
    try:
        heads = train(network, share_labels(tasks), curriculum, seed, resume, history, world)
    except Diverged as error:
        # One model is lost; its cells say so, and the rest of the study goes on.
        log.error("%s: %s", settings["model"], error)
        return network, {}, str(error)
    return network, heads, None


def _kept(head: BinaryHead) -> AttackHead:
    """A head as it is kept."""
    weight, bias = head.linear.weight.detach().numpy(), head.linear.bias.detach().numpy()
    return AttackHead(weight, bias, normalised=True)


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

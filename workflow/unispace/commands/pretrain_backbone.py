"""Make the weights of a backbone before tuning: by pretraining, or random as a control."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from unispace.backbones.arithmetic import fix_arithmetic
from unispace.backbones.network import Network, card, save_weights
from unispace.commands.common.models import add_model_outputs, add_training
from unispace.config.backbones import Backbone, Pretrain
from unispace.config.curricula import Curriculum, Head, Optimisation, TrainOn
from unispace.curricula.history import History
from unispace.curricula.randomness import generator
from unispace.curricula.resume import Resume, training_key
from unispace.curricula.tasks import load_task
from unispace.curricula.training import train
from unispace.records.files import write_json
from unispace.records.models import HISTORY_SCHEMA, TIMING_SCHEMA
from unispace.records.tables import write_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: name, seed, backbone")
    parser.add_argument("--data", type=Path, help="folder of the data set to learn from")
    add_model_outputs(parser)
    add_training(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    backbone = Backbone.model_validate(settings["backbone"])
    fix_arithmetic(arguments.threads)
    torch.manual_seed(generator(settings["seed"], settings["name"], "weights").initial_seed())
    network = Network(backbone)
    history, resume = History(()), None
    if isinstance(backbone.weights, Pretrain):
        files = [arguments.data / "manifest.parquet", arguments.data / "images.npy"]
        key = training_key("pretrain_backbone", arguments.settings, files, arguments.threads)
        resume = Resume(arguments.resume, key)
        name = backbone.weights.dataset
        # Classes are to be told apart, not spread by a margin.
        how = TrainOn(batch_size=backbone.weights.batch_size, head=Head(loss="softmax"))
        optimisation = {key: getattr(backbone.weights, key) for key in Optimisation.model_fields}
        curriculum = Curriculum(**optimisation, train_on={name: how})
        history = History((name,))
        with resume.scratch() as scratch:
            task = load_task(name, arguments.data, how, backbone.preprocessing, scratch)
            train(network, [task], curriculum, settings["seed"], resume, history)
    save_weights(network, arguments.weights)
    write_table(history.table(), HISTORY_SCHEMA, arguments.history)
    write_table(history.timing(), TIMING_SCHEMA, arguments.timing)
    write_json(
        arguments.card,
        {
            **card(backbone, network, arguments.weights),
            "backbone": settings["name"],
            "weights": backbone.weights.model_dump(mode="json"),
            "seed": settings["seed"],
        },
    )
    if resume:
        resume.clear()

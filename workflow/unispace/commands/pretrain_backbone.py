"""Make the weights of a backbone before tuning: by pretraining, or random as a control."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import pandas as pd
import torch

from unispace.backbones.arithmetic import fix_arithmetic
from unispace.backbones.network import Network, card, save_weights
from unispace.config.backbones import Backbone, Pretrain
from unispace.config.curricula import Head, TrainOn
from unispace.curricula.randomness import generator
from unispace.curricula.resume import Resume
from unispace.curricula.tasks import load_task
from unispace.curricula.training import train
from unispace.records.files import sha256_of, sha256_of_text, write_json
from unispace.records.models import HISTORY_SCHEMA
from unispace.records.tables import write_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: name, seed, backbone")
    parser.add_argument("--data", type=Path, help="folder of the data set to learn from")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--history", type=Path, required=True)
    parser.add_argument("--card", type=Path, required=True)
    parser.add_argument("--resume", type=Path, required=True, help="folder of unfinished trainings")
    parser.add_argument("--threads", type=int, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    backbone = Backbone.model_validate(settings["backbone"])
    fix_arithmetic(arguments.threads)
    torch.manual_seed(generator(settings["seed"], settings["name"], "weights").initial_seed())
    network = Network(backbone)
    history = HISTORY_SCHEMA.empty_table().to_pandas()
    if isinstance(backbone.weights, Pretrain):
        history = _pretrain(network, backbone, backbone.weights, settings["seed"], arguments)
    save_weights(network, arguments.weights)
    write_table(history, HISTORY_SCHEMA, arguments.history)
    write_json(
        arguments.card,
        {
            **card(backbone, network, arguments.weights),
            "backbone": settings["name"],
            "weights": backbone.weights.model_dump(mode="json"),
            "seed": settings["seed"],
        },
    )


def _pretrain(
    network: Network,
    backbone: Backbone,
    weights: Pretrain,
    seed: int,
    arguments: argparse.Namespace,
) -> pd.DataFrame:
    manifest = sha256_of(arguments.data / "manifest.parquet")
    images = sha256_of(arguments.data / "images.npy")
    key = sha256_of_text(arguments.settings, manifest, images, str(arguments.threads))
    with tempfile.TemporaryDirectory(dir=_made(arguments.resume)) as scratch:
        how = TrainOn(
            batch_size=weights.batch_size, head=Head(loss="softmax")
        )  # classes are to be told apart, not spread by a margin
        task = load_task(
            weights.dataset, arguments.data, how, backbone.preprocessing, Path(scratch)
        )
        return train(network, [task], weights, "accumulate", seed, Resume(arguments.resume, key))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder

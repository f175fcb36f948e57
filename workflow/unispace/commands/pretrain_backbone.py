"""Make the weights of a backbone before tuning: by pretraining, or random as a control."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from unispace.backbones.arithmetic import fix_arithmetic
from unispace.backbones.devices import devices_for, use
from unispace.backbones.network import Network, card, load_weights, save_weights
from unispace.backbones.openclip import create_clip, save_clip
from unispace.backbones.pretraining.contrastive import Contrastive
from unispace.commands.common.models import add_model_outputs, add_training
from unispace.config.backbones import Backbone
from unispace.config.pretraining import Pretrain
from unispace.curricula.objectives import Lesson, lesson
from unispace.curricula.pretraining import pretrain
from unispace.curricula.randomness import generator
from unispace.curricula.resume import Resume, training_key
from unispace.curricula.sources import load_sources
from unispace.records.files import sha256_of, write_json
from unispace.records.finished import keep, take_over
from unispace.records.models import HISTORY_SCHEMA
from unispace.records.tables import write_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings", required=True, help="JSON: name, seed, backbone, and its teacher or null"
    )
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        help="folders of the data sets to learn from, as the settings name them",
    )
    parser.add_argument("--teacher", type=Path, help="weights of the backbone to learn from")
    add_model_outputs(parser)
    add_training(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    backbone = Backbone.model_validate(settings["backbone"])
    fix_arithmetic(arguments.threads)
    weights_seed = generator(settings["seed"], settings["name"], "weights").initial_seed()
    torch.manual_seed(weights_seed)
    network = Network(backbone)
    about: dict[str, Any] = {
        "backbone": settings["name"],
        "weights": backbone.weights.model_dump(mode="json"),
        "seed": settings["seed"],
    }
    if not isinstance(backbone.weights, Pretrain):
        if backbone.provider == "open_clip":
            # With a text tower, of the same draw, so that prompts can be embedded by it.
            torch.manual_seed(weights_seed)
            save_clip(create_clip(backbone.architecture, backbone.options), arguments.weights)
        else:
            save_weights(network, arguments.weights)
        history = HISTORY_SCHEMA.empty_table().to_pandas()
        _write(history, {**card(backbone, network, arguments.weights), **about}, arguments)
        return

    files = [
        folder / file for folder in arguments.data for file in ("manifest.parquet", "images.npy")
    ]
    files += [arguments.teacher] if arguments.teacher else []
    (device,) = devices_for(arguments.gpus)
    use(device)
    key = training_key("pretrain_backbone", arguments.settings, files, arguments.threads, device)
    resume = Resume(arguments.resume, key)
    outputs = [arguments.weights, arguments.history, arguments.card]
    if take_over(resume.folder, outputs):
        return
    with resume.scratch() as scratch:
        source = load_sources(
            dict(zip(backbone.weights.datasets, arguments.data, strict=True)),
            backbone.preprocessing,
            scratch,
            captions=backbone.weights.objective == "contrastive",
        )
        teacher = _teacher(settings, arguments.teacher)
        taught = lesson(network, backbone, source, settings["seed"], teacher)
        if teacher is not None:
            teacher.compute_on(device)
        history = pretrain(
            taught.objective,
            taught.inputs,
            source,
            backbone.weights,
            settings["seed"],
            resume,
            device,
        )
    _save(taught, arguments.weights)
    if arguments.teacher:
        about["teacher_sha256"] = sha256_of(arguments.teacher)
    _write(history, {**card(backbone, taught.learnt, arguments.weights), **about}, arguments)
    keep(resume.folder, outputs)


def _teacher(settings: dict[str, Any], weights: Path | None) -> Network | None:
    """The image tower that is learnt from, in evaluation mode."""
    if weights is None:
        return None
    teacher = Network(Backbone.model_validate(settings["teacher"]))
    load_weights(teacher, weights, settings["backbone"]["weights"]["teacher"])
    return teacher.eval().requires_grad_(False)


def _save(taught: Lesson, path: Path) -> None:
    """Write what was learnt; of a CLIP both towers, as published files hold them."""
    if isinstance(taught.objective, Contrastive):
        save_clip(taught.objective.whole(), path)
    else:
        save_weights(taught.learnt, path)


def _write(history: pd.DataFrame, about: dict[str, Any], arguments: argparse.Namespace) -> None:
    write_table(history, HISTORY_SCHEMA, arguments.history)
    write_json(arguments.card, about)

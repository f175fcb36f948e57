"""Embed the images of data sets with a model."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from unispace.backbones.arithmetic import fix_arithmetic
from unispace.backbones.devices import CPU, devices_for, use
from unispace.backbones.network import Network, load_weights
from unispace.commands.common.models import add_gpus
from unispace.config.backbones import Backbone
from unispace.embedding.extract import extract
from unispace.errors import UserError
from unispace.records.code import version_of
from unispace.records.files import read_json, sha256_of


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings", required=True, help="JSON: model, backbone, datasets with splits"
    )
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--card", type=Path, required=True)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of all data sets of the study"
    )
    parser.add_argument(
        "--shelf", type=Path, required=True, help="vectors by content, of all studies"
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="folder of the model's embeddings"
    )
    parser.add_argument("--threads", type=int, required=True)
    add_gpus(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    fix_arithmetic(arguments.threads)
    network = Network(Backbone.model_validate(settings["backbone"]))
    model_card = read_json(arguments.card)
    if model_card["weights_sha256"] != sha256_of(arguments.weights):
        # The card names the vectors on the shelf, which other studies take over.
        raise UserError(
            f"{arguments.card} is not the card of {arguments.weights}; delete both and run snakemake again"
        )
    stated = network.settings.preprocessing.model_dump(mode="json")
    if model_card["preprocessing"] != stated:
        raise UserError(
            f"{arguments.card} says that images are preprocessed as {model_card['preprocessing']}, and the study "
            f"says {stated}; delete it and run snakemake again"
        )
    load_weights(network, arguments.weights, settings["model"])
    network.eval()
    (device,) = devices_for(arguments.gpus)
    use(device)
    network.compute_on(device)
    code = version_of(
        "extract_embeddings", "torch", "timm", "open_clip_torch", "onnxruntime", "pillow"
    )
    if network.device != CPU:
        # Vectors of the same content differ by rounding, so the shelf keeps them apart.
        code = f"{code} {network.device.type}"
    for dataset, splits in settings["datasets"].items():
        extract(
            network,
            model_card,
            dataset,
            arguments.data / dataset,
            arguments.shelf,
            arguments.output / dataset,
            splits,
            code=code,
        )

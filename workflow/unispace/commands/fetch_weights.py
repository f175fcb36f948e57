"""Bring published weights of a backbone into the project and check that they fit its architecture."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from unispace.backbones.hub import fetch_from_hub
from unispace.backbones.network import Network, card, load_weights, save_weights
from unispace.backbones.openclip import load_clip, save_clip
from unispace.commands.common.models import add_model_outputs
from unispace.config.backbones import Backbone, FileWeights, HubWeights
from unispace.data.sources.fetch import fetch
from unispace.records.files import sha256_of, write_json
from unispace.records.models import HISTORY_SCHEMA
from unispace.records.tables import write_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: name, backbone")
    add_model_outputs(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    name = settings["name"]
    backbone = Backbone.model_validate(settings["backbone"])
    network = Network(backbone)
    with tempfile.TemporaryDirectory() as scratch:
        published = Path(scratch) / "published.safetensors"
        match backbone.weights:
            case FileWeights():
                fetch(backbone.weights.path, backbone.weights.sha256, published)
            case HubWeights():
                fetch_from_hub(backbone.weights, published)
            case _:
                raise ValueError(f"{name}: weights of kind {backbone.weights.kind} are not fetched")
        load_weights(network, published, f"backbones.{name}")
        published_sha256 = sha256_of(published)
        if backbone.provider == "open_clip":
            # With its text tower, which prompts are embedded by.
            save_clip(load_clip(backbone, published, f"backbones.{name}"), arguments.weights)
        else:
            save_weights(network, arguments.weights)
    write_table(HISTORY_SCHEMA.empty_table().to_pandas(), HISTORY_SCHEMA, arguments.history)
    write_json(
        arguments.card,
        {
            **card(backbone, network, arguments.weights),
            "backbone": name,
            "weights": {
                **backbone.weights.model_dump(mode="json", exclude={"seen"}),
                "published_sha256": published_sha256,
            },
        },
    )

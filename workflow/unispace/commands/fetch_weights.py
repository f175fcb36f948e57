"""Bring published weights of a backbone into the project and check that they fit its architecture."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from unispace.backbones.hub import fetch_from_hub
from unispace.backbones.network import Network, card, load_published, save_weights
from unispace.backbones.openclip import clip_of, save_clip
from unispace.backbones.published import read_published
from unispace.commands.common.models import add_model_outputs
from unispace.config.backbones import Backbone, FileWeights, HubWeights
from unispace.config.published import suffix_of
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
    weights = backbone.weights
    if not isinstance(weights, FileWeights | HubWeights):
        raise ValueError(f"{name}: weights of kind {weights.kind} are not fetched")
    network = Network(backbone)
    with tempfile.TemporaryDirectory() as scratch:
        # The ending tells what the file is.
        published = Path(scratch) / f"published{suffix_of(weights.file)}"
        if isinstance(weights, FileWeights):
            fetch(weights.path, weights.sha256, published)
        else:
            fetch_from_hub(weights, published)
        notes = load_published(network, published, f"backbones.{name}")
        published_sha256 = sha256_of(published)
        if backbone.provider == "open_clip":
            # With its text tower, which prompts are embedded by.
            tensors = read_published(published, name)
            save_clip(clip_of(backbone, tensors, name), arguments.weights)
        else:
            save_weights(network, arguments.weights)
    write_table(HISTORY_SCHEMA.empty_table().to_pandas(), HISTORY_SCHEMA, arguments.history)
    write_json(
        arguments.card,
        {
            **card(backbone, network, arguments.weights),
            "backbone": name,
            "weights": {
                **weights.model_dump(mode="json", exclude={"seen"}),
                "published_sha256": published_sha256,
                **notes,
            },
        },
    )

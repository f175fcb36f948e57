"""Make a model whose weights lie between the pretrained ones and those of a tuned model."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from unispace.backbones.interpolation import interpolate
from unispace.backbones.network import Network, card, load_weights, save_weights
from unispace.commands.common.models import add_model_outputs
from unispace.config.backbones import Backbone
from unispace.config.curricula import Curriculum
from unispace.records.files import read_json, write_json
from unispace.records.models import HISTORY_SCHEMA
from unispace.records.tables import write_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: model, backbone, curriculum, seed")
    parser.add_argument("--pretrained", type=Path, required=True, help="weights of the backbone")
    parser.add_argument("--pretrained-card", type=Path, required=True)
    parser.add_argument("--tuned", type=Path, required=True, help="weights of the tuned model")
    parser.add_argument("--tuned-card", type=Path, required=True)
    add_model_outputs(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    between = Curriculum.model_validate(settings["curriculum"]).interpolate
    if between is None:
        raise ValueError(f"{settings['model']}: its curriculum does not interpolate")
    backbone = Backbone.model_validate(settings["backbone"])
    network = Network(backbone)
    ends = []
    for path in (arguments.pretrained, arguments.tuned):
        load_weights(network, path, settings["model"])
        ends.append({name: tensor.clone() for name, tensor in network.body.state_dict().items()})
    network.body.load_state_dict(interpolate(*ends, between.share))
    save_weights(network, arguments.weights)
    write_table(HISTORY_SCHEMA.empty_table().to_pandas(), HISTORY_SCHEMA, arguments.history)
    base, tuned = read_json(arguments.pretrained_card), read_json(arguments.tuned_card)
    write_json(
        arguments.card,
        {
            **base,
            **card(backbone, network, arguments.weights),
            # What lies on the way to a failed model is no result either.
            **({"failed": tuned["failed"]} if "failed" in tuned else {}),
            "pretrained_sha256": base["weights_sha256"],
            "tuned_sha256": tuned["weights_sha256"],
            "model": settings["model"],
            "curriculum": settings["curriculum"],
            "seed": settings["seed"],
        },
    )

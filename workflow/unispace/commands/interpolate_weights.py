"""Make a model whose weights lie between the pretrained ones and those of a tuned model."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from torch import Tensor

from unispace.backbones.interpolation import interpolate
from unispace.backbones.network import Network, card, load_weights, save_weights
from unispace.commands.common.models import add_model_outputs
from unispace.config.backbones import Backbone
from unispace.config.curricula import Curriculum
from unispace.records.files import read_json, write_json
from unispace.records.heads import read_heads, write_heads
from unispace.records.models import HISTORY_SCHEMA
from unispace.records.tables import write_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: model, backbone, curriculum, seed")
    parser.add_argument("--pretrained", type=Path, required=True, help="weights of the backbone")
    parser.add_argument("--pretrained-card", type=Path, required=True)
    parser.add_argument("--tuned", type=Path, required=True, help="weights of the tuned model")
    parser.add_argument("--tuned-card", type=Path, required=True)
    parser.add_argument("--tuned-heads", type=Path, required=True)
    add_model_outputs(parser)
    parser.add_argument("--heads", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    between = Curriculum.model_validate(settings["curriculum"]).interpolate
    if between is None:
        raise ValueError(f"{settings['model']}: its curriculum does not interpolate")
    backbone = Backbone.model_validate(settings["backbone"])
    network = Network(backbone)
    base = _weights(network, arguments.pretrained, settings["model"])
    tuned = _weights(network, arguments.tuned, settings["model"])
    network.body.load_state_dict(interpolate(base, tuned, between.share))
    save_weights(network, arguments.weights)
    # The pretrained model has no head to go halfway to.
    write_heads(read_heads(arguments.tuned_heads), arguments.heads)
    write_table(HISTORY_SCHEMA.empty_table().to_pandas(), HISTORY_SCHEMA, arguments.history)
    from_base, from_tuned = read_json(arguments.pretrained_card), read_json(arguments.tuned_card)
    # What lies on the way to a failed model is no result either.
    failed = {"failed": from_tuned["failed"]} if "failed" in from_tuned else {}
    write_json(
        arguments.card,
        {
            **from_base,
            **card(backbone, network, arguments.weights),
            **failed,
            "pretrained_sha256": from_base["weights_sha256"],
            "tuned_sha256": from_tuned["weights_sha256"],
            "model": settings["model"],
            "curriculum": settings["curriculum"],
            "seed": settings["seed"],
        },
    )


def _weights(network: Network, path: Path, name: str) -> dict[str, Tensor]:
    """The weights of a file, as the network of its architecture holds them."""
    load_weights(network, path, name)
    return {key: tensor.clone() for key, tensor in network.body.state_dict().items()}

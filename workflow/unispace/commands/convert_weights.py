"""Write published weights of another layout as a safetensors file for an architecture of timm.

Names are matched as when weights are fetched. With --in-order tensors are taken one after the other, whatever they
are called; checked are their number, their shapes, and the last part of their names (weight, bias, running_mean, ...).
What no file tells is not checked: the order of layers of one shape, strides, paddings, activations and the
normalisation of images. So try the result on images whose classes are known before a study rests on it.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any

import timm

from unispace.backbones.in_order import in_order
from unispace.backbones.published import adapt, read_published
from unispace.backbones.refusals import REFUSALS
from unispace.backbones.tensors import require_fitting, write_tensors
from unispace.config.architectures import known_architectures
from unispace.data.sources.fetch import check
from unispace.errors import UserError, did_you_mean
from unispace.records.files import sha256_of

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", type=Path, help="safetensors, or .pt, .pth, .bin, .ckpt")
    parser.add_argument("--sha256", required=True, help="checksum that the file must have")
    parser.add_argument("--architecture", required=True, help="name of timm")
    parser.add_argument(
        "--options",
        default="{}",
        help='JSON: arguments of timm.create_model, as in {"num_classes": 512}',
    )
    parser.add_argument(
        "--in-order", action="store_true", help="match tensors by their order, not their names"
    )
    parser.add_argument("--output", type=Path, required=True, help="the safetensors file to write")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    check(arguments.file, arguments.sha256, str(arguments.file))
    body = _create(arguments.architecture, _options(arguments.options))
    name, wanted = str(arguments.file), body.state_dict()
    found = read_published(arguments.file, name)
    if arguments.in_order:
        found = in_order(found, wanted, name)
    else:
        found, resized = adapt(found, body, arguments.architecture)
        require_fitting(found, wanted, name)
        if resized:
            log.warning("resized to the architecture: %s", ", ".join(resized))
    write_tensors(found, arguments.output)
    log.info(
        "%s: %d tensors of %s, sha256 %s",
        arguments.output,
        len(found),
        arguments.architecture,
        sha256_of(arguments.output),
    )


def _options(text: str) -> dict[str, Any]:
    try:
        options = json.loads(text)
    except ValueError as error:
        raise UserError(f"--options: `{text}` is no JSON ({error})") from error
    if not isinstance(options, dict):
        raise UserError(f'--options: `{text}` is no JSON object, such as {{"num_classes": 512}}')
    return options


def _create(architecture: str, options: dict[str, Any]) -> Any:
    if architecture not in known_architectures():
        near = did_you_mean(architecture, known_architectures())
        raise UserError(f"--architecture: unknown `{architecture}`: {near}")
    try:
        return timm.create_model(architecture, pretrained=False, **options)
    except REFUSALS as error:
        raise UserError(f"{architecture}: timm refuses the options {options}: {error}") from error

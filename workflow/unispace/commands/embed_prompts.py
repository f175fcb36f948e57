"""Embed texts about the classes of data sets with the text tower of a CLIP."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from unispace.backbones.arithmetic import fix_arithmetic
from unispace.backbones.openclip import embed_texts, ensemble, load_clip, require_short, tokenize
from unispace.config.backbones import Backbone
from unispace.data.prompts.templates import fill, unknown_labels, words_of
from unispace.errors import UserError
from unispace.records.files import sha256_of, sha256_of_text
from unispace.records.manifest import read_manifest
from unispace.records.prompts import Prompts, write_prompts


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings",
        required=True,
        help="JSON: name, backbone, datasets, templates (sentences by name), names (words by label)",
    )
    parser.add_argument("--weights", type=Path, required=True, help="weights of the whole CLIP")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of all data sets of the study"
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="folder of the backbone's prompts"
    )
    parser.add_argument("--threads", type=int, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings = json.loads(arguments.settings)
    backbone, names = Backbone.model_validate(settings["backbone"]), settings["names"]
    labels = {
        dataset: sorted(set(read_manifest(arguments.data / dataset / "manifest.parquet")["label"]))
        for dataset in settings["datasets"]
    }
    known = {label for of_dataset in labels.values() for label in of_dataset}
    if problems := unknown_labels(names, known):
        raise UserError("\n".join(problems))
    fix_arithmetic(arguments.threads)
    clip = load_clip(backbone, arguments.weights, f"backbones.{settings['name']}")
    about = {
        "backbone": settings["name"],
        "architecture": backbone.architecture,
        "options": backbone.options,
        "weights_sha256": sha256_of(arguments.weights),
    }
    for dataset, of_dataset in labels.items():
        for name, templates in settings["templates"].items():
            words = [names.get(label, words_of(label)) for label in of_dataset]
            texts = [text for word in words for text in fill(templates, word)]
            require_short(texts, backbone.architecture, backbone.options)
            tokens = tokenize(texts, backbone.architecture, backbone.options)
            vectors = ensemble(embed_texts(clip, tokens), len(templates)).numpy()
            card = {**about, "dataset": dataset, "templates": templates, "words": words}
            key = sha256_of_text(json.dumps({**card, "labels": of_dataset}, sort_keys=True))
            write_prompts(
                Prompts(vectors, tuple(of_dataset), {**card, "key": key}),
                arguments.output / dataset / name,
            )

"""Embed texts about the classes of data sets with the text tower of a CLIP."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unispace.backbones.arithmetic import fix_arithmetic
from unispace.backbones.openclip import embed_texts, ensemble, load_clip, require_short, tokenize
from unispace.config.backbones import Backbone
from unispace.data.prompts.attack_texts import CLASSES
from unispace.data.prompts.plan import Asked, label_problems, labels_and_splits
from unispace.data.prompts.templates import fill
from unispace.errors import UserError
from unispace.records.files import sha256_of, sha256_of_text
from unispace.records.manifest import read_manifest
from unispace.records.prompts import Prompts, write_prompts


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--settings",
        required=True,
        help="JSON: name, backbone, split (that is tested), what `data.prompts.plan.prompt_plan` gives, and attacks (of "
        "each data set of attacks, by the name of the texts: sentences by class)",
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
    backbone = Backbone.model_validate(settings["backbone"])
    labels = {
        dataset: labels_and_splits(
            read_manifest(arguments.data / dataset / "manifest.parquet", ("label", "split"))
        )
        for dataset in settings["datasets"]
    }
    if problems := label_problems(settings, labels, settings["split"]):
        raise UserError("\n".join(problems))
    fix_arithmetic(arguments.threads)
    clip = load_clip(backbone, arguments.weights, f"backbones.{settings['name']}")
    about = {
        "backbone": settings["name"],
        "architecture": backbone.architecture,
        "options": backbone.options,
        "weights_sha256": sha256_of(arguments.weights),
    }

    def means(texts: list[str], each: int) -> NDArray[np.float32]:
        """The mean of every `each` texts in a row, as a unit vector: `(len(texts) / each, d)`."""
        require_short(texts, backbone.architecture, backbone.options)
        tokens = tokenize(texts, backbone.architecture, backbone.options)
        return ensemble(embed_texts(clip, tokens), each).numpy()

    def write(
        vectors: NDArray[np.float32], labels: Sequence[str], dataset: str, name: str, **said: Any
    ) -> None:
        card = {**about, "dataset": dataset, **said}
        key = sha256_of_text(json.dumps({**card, "labels": labels}, sort_keys=True))
        prompts = Prompts(vectors, tuple(labels), {**card, "key": key})
        write_prompts(prompts, arguments.output / dataset / name)

    for dataset, splits_of in labels.items():
        asked, of_dataset = Asked(**settings["datasets"][dataset]), sorted(splits_of)
        words = [asked.words(label) for label in of_dataset]
        for name in settings["templates"]:
            templates = asked.templates(settings["common"], name)
            texts = [text for word in words for text in fill(templates, word)]
            vectors = means(texts, len(templates))
            write(vectors, of_dataset, dataset, name, templates=list(templates), words=words)
    for dataset, sets in settings.get("attacks", {}).items():
        for name, sentences in sets.items():
            parts = [means(list(sentences[label]), len(sentences[label])) for label in CLASSES]
            write(np.concatenate(parts), CLASSES, dataset, name, sentences=sentences)

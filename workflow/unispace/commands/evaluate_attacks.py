"""Detect presentation attacks and morphs: by a probe, by a model's own head, by texts."""

from __future__ import annotations

import argparse
from pathlib import Path

from unispace.commands.common import evaluation as io
from unispace.errors import UserError
from unispace.evaluation.attack_variants import AttackSet, detect_attacks
from unispace.evaluation.tasks import ATTACK_DETECTION
from unispace.evaluation.tidy import Cell
from unispace.records.embeddings import Embeddings, read_embeddings
from unispace.records.heads import AttackHead, read_heads
from unispace.records.prompts import Prompts, read_prompts


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    io.configure_test(
        parser,
        "study, model, seed, datasets, heads (data sets that the model is trained on), texts",
        curves="DET: APCER, BPCER",
    )
    parser.add_argument("--heads", type=Path, help="heads that the model was trained with")
    parser.add_argument("--prompts", type=Path, help="folder of the backbone's prompts")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    settings, evaluation = io.load_settings(arguments.settings)
    model, attacks = settings["model"], evaluation.attacks
    embeddings = {d: read_embeddings(arguments.embeddings / d) for d in settings["datasets"]}
    sets = {d: AttackSet(d, found.vectors, found.index) for d, found in embeddings.items()}
    heads = _heads(arguments.heads, settings["heads"], embeddings)
    tables = []
    for dataset in settings["datasets"]:
        tested = embeddings[dataset]
        # The same error as in every other evaluation where there is nothing to test.
        tested.of_split(evaluation.split)
        texts = {
            name: _texts(arguments.prompts / dataset / name, tested, model)
            for name in settings["texts"]
        }
        others = attacks.fitted_for(dataset)
        cell = Cell(
            study=settings["study"],
            dataset=dataset,
            seed=settings["seed"],
            origin=io.origin(
                "evaluate_attacks",
                arguments.settings,
                tested,
                *(embeddings[other] for other in others),
                *texts.values(),
                files=[arguments.heads] if settings["heads"] else [],
            ),
            model=model,
        )
        found = detect_attacks(
            cell,
            sets[dataset],
            {other: sets[other] for other in others},
            heads,
            texts,
            attacks,
            evaluation.split,
            evaluation.resamples,
            io.generator(settings["seed"], ATTACK_DETECTION, dataset),
        )
        tables.append(found)
    failed = io.failures({model: arguments.embeddings / settings["datasets"][0]})
    io.write_metrics((metrics for metrics, _ in tables), arguments.metrics, failed)
    io.write_samples((metrics for metrics, _ in tables), arguments.samples, failed)
    io.write_curves((curves for _, curves in tables), arguments.curves, failed)


def _heads(
    path: Path | None, datasets: list[str], embeddings: dict[str, Embeddings]
) -> dict[str, AttackHead | str]:
    """The heads of a model by the data sets it was trained on; why there is none where there is none.

    Raises:
        UserError: where a head takes vectors of another length than the model makes.
    """
    if not datasets:
        return {}
    if path is None:
        raise UserError("--heads: give the file heads.safetensors that the model was trained with")
    stored = read_heads(path)
    found: dict[str, AttackHead | str] = {}
    for name in datasets:
        head = stored.get(name)
        if head is None:
            found[name] = (
                f"the model was trained on {name} without a binary head; give it `loss: binary`"
            )
            continue
        width = embeddings[name].vectors.shape[1]
        if head.weight.shape[1] != width:
            raise UserError(
                f"{path}: the head of {name} takes vectors of {head.weight.shape[1]} values, and the model makes "
                f"{width}; delete the folder and run snakemake again"
            )
        found[name] = head
    return found


def _texts(folder: Path, images: Embeddings, model: str) -> Prompts:
    """Vectors of the texts about attacks and bona fide presentations.

    Raises:
        UserError: where they are of another network than the images.
    """
    prompts = read_prompts(folder)
    if prompts.vectors.shape[1] != images.vectors.shape[1]:
        raise UserError(
            f"{model}: its images are vectors of {images.vectors.shape[1]} values and the prompts of "
            f"{prompts.vectors.shape[1]}; they are of two networks"
        )
    return prompts

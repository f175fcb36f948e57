"""Embeddings that were made elsewhere, as the page describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unispace.config.study import Study
from unispace.reporting.looks import in_order, short_names


@dataclass(frozen=True)
class OwnVectorsLine:
    """The vectors of one data set, as they were given.

    Attributes:
        dataset: its name.
        used, given: rows that the study takes, and rows of the array.
        kind: the type of its numbers.
        lengths: the range of the lengths that were set to 1.
        sha256: of the file.
    """

    dataset: str
    used: int
    given: int
    kind: str
    lengths: str
    sha256: str


@dataclass(frozen=True)
class OwnCard:
    """Embeddings in place of a model.

    Attributes:
        name, short: in full, and as figures and tables call them.
        card: what decides the vectors, in the user's words.
        dimension: of the vectors.
        vectors: of each data set.
    """

    name: str
    short: str
    card: tuple[tuple[str, str], ...]
    dimension: int
    vectors: tuple[OwnVectorsLine, ...]


def own_cards(
    study: Study,
    models: Sequence[str],
    datasets: Sequence[str],
    records: Mapping[tuple[str, str], dict[str, Any]],
) -> list[OwnCard]:
    """Cards of the embeddings that were made elsewhere.

    Args:
        study: the study.
        models: in the study's order.
        datasets: in its order too.
        records: the record beside the embeddings of each model and data set.
    """
    names = short_names(models)
    tested = in_order(study.evaluation.datasets, datasets)
    own = study.own_models()
    return [
        _card(model, names[model], [records[model, dataset] for dataset in tested])
        for model in models
        if model in own
    ]


def _card(model: str, short: str, records: Sequence[dict[str, Any]]) -> OwnCard:
    first = records[0]
    return OwnCard(
        name=model,
        short=short,
        card=tuple((key, str(value)) for key, value in first["model"].items()),
        dimension=first["dimension"],
        vectors=tuple(_line(record) for record in records),
    )


def _line(record: dict[str, Any]) -> OwnVectorsLine:
    given = record["given"]
    least, most = (f"{given[end]:.4g}" for end in ("shortest", "longest"))
    return OwnVectorsLine(
        dataset=record["dataset"],
        used=record["images"],
        given=given["rows"],
        kind=given["type"],
        lengths=least if least == most else f"{least} to {most}",
        sha256=given["vectors_sha256"],
    )

"""Splits of listed images that hold too little to test or train on, told before any image is read."""

from __future__ import annotations

import pandas as pd

from unispace.config.base import IDENTITY_DOMAINS
from unispace.config.study import Study
from unispace.data.prepare import listed_images


def sparse_splits(study: Study, name: str) -> list[str]:
    """What the splits of a data set lack for what the study does with it.

    Args:
        study: the study.
        name: a data set for which nothing is fetched.

    Raises:
        UserError: where its listing is wrong, or nothing of it is left.
    """
    dataset = study.datasets[name]
    images = listed_images(name, dataset)
    what = "identities" if dataset.domain in IDENTITY_DOMAINS else "labels"
    problems = []
    for split, needs_pairs, use in _uses(study, name):
        counts = images.loc[images["split"] == split, "label"].value_counts()
        lacks = len(counts) < 2 or (needs_pairs and int(counts.max()) < 2)
        if lacks:
            needed = f"two {what}" + (", one of them with two images" if needs_pairs else "")
            problems.append(
                f"datasets.{name}.splits: the split `{split}`, which {use}, holds {_said(counts, what)}, and needs "
                f"{needed}. There are: {_all_splits(images, what)}. {_remedy(study, name, split)}"
            )
    return problems


def _uses(study: Study, name: str) -> list[tuple[str, bool, str]]:
    """Splits that are used: of each whether pairs of images are needed, and what for."""
    found = []
    if name in study.evaluation.datasets:
        recognised = study.datasets[name].domain in IDENTITY_DOMAINS
        found.append((study.evaluation.split, recognised, "is tested"))
    if any(name in curriculum.train_on for curriculum in study.curricula.values()):
        found.append(("train", False, "is trained on"))
    return found


def _said(counts: pd.Series, what: str) -> str:
    return f"{int(counts.sum())} images of {len(counts)} {what}"


def _all_splits(images: pd.DataFrame, what: str) -> str:
    return "; ".join(
        f"{split}: {_said(part.value_counts(), what)}"
        for split, part in images.groupby("split")["label"]
    )


def _remedy(study: Study, name: str, split: str) -> str:
    if study.datasets[name].splits.by == "manifest":
        return f"Mend the column `{study.datasets[name].splits.column}` of its table"
    return f"Give `{split}` a larger share, such as `splits: {{ train: 0.5, val: 0.1 }}`, or add images"

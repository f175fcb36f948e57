"""What a study asks the text towers: the templates and the words of each prompted data set, and what is wrong in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from unispace.config.prompts import OWN
from unispace.config.study import Study
from unispace.data.held_out import HELD_OUT
from unispace.data.prompts.own import OwnPrompts, own_set, read_own
from unispace.data.prompts.templates import (
    SPACES,
    read_template_file,
    read_templates,
    unknown_labels,
    words_of,
)
from unispace.errors import UserError
from unispace.records.places import locate

Labels = Mapping[str, Collection[str]]
"""Splits that each label has images in."""


@dataclass(frozen=True)
class Asked:
    """In which words a data set is asked.

    Attributes:
        names: words by label, those of the study before those of the set.
        given: the labels that the study has words for in this data set alone.
        spaces: characters of a label that are spaces in words.
        own: its own templates; empty where they are not asked for.
        listed: all labels that the set knows, empty where it does not list them.
    """

    names: dict[str, str] = field(default_factory=dict)
    given: tuple[str, ...] = ()
    spaces: str = SPACES
    own: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()

    def words(self, label: str) -> str:
        """What a text calls a class."""
        return self.names.get(label) or words_of(label, self.spaces)

    def templates(self, common: Mapping[str, list[str]], name: str) -> tuple[str, ...]:
        """The templates of a set of this name, for this data set."""
        return tuple(self.own if name == OWN else common[name])


def asked_of(study: Study, dataset: str) -> Asked:
    """In which words a study asks a data set.

    Raises:
        UserError: where its own templates are wanted and none are known, or a set has no such name.
    """
    prompts, where = study.prompts, f"prompts.own.{dataset}"
    name = prompts.own.get(dataset) or own_set(study.datasets[dataset])
    if name is None and OWN in prompts.templates:
        raise UserError(
            f"prompts.templates: of `{dataset}` no templates of its own are known, which `{OWN}` stands for; "
            f"write `{where.rsplit('.', 1)[0]}: {{ {dataset}: NAME }}` with the name of a known set, such as `cifar10`"
        )
    own = OwnPrompts("", "", ()) if name is None else read_own(name)
    given = prompts.names_in(dataset)
    return Asked(
        {**own.names, **prompts.names_everywhere(), **given},
        tuple(given),
        own.spaces,
        own.templates if OWN in prompts.templates else (),
        tuple(own.names) if own.complete else (),
    )


def common_templates(study: Study) -> dict[str, list[str]]:
    """The sets of templates that are the same for all data sets, by name.

    Raises:
        UserError: where a file of the user is missing, or a line of it is no template.
    """
    found = {}
    for name in study.prompts.templates:
        file = study.prompts.files.get(name)
        if file is not None:
            path = locate(file, f"prompts.files.{name}")
            found[name] = list(read_template_file(path, file))
        elif name != OWN:
            found[name] = list(read_templates(name))
    return found


def prompt_plan(study: Study) -> dict[str, Any]:
    """All of it as plain values, which decide what is embedded."""
    return {
        "templates": list(study.prompts.templates),
        "common": common_templates(study),
        "names": study.prompts.names_everywhere(),
        "datasets": {d: asdict(asked_of(study, d)) for d in study.prompts.datasets},
    }


def labels_and_splits(rows: pd.DataFrame) -> dict[str, list[str]]:
    """The labels of a manifest, each with the splits that it has images in; columns label and split."""
    found = rows[["label", "split"]].drop_duplicates()
    return {str(label): sorted(splits) for label, splits in found.groupby("label")["split"]}


def label_problems(
    plan: Mapping[str, Any], labels: Mapping[str, Labels], split: str, *, whole: bool = True
) -> list[str]:
    """Where words and labels disagree, or a class has no image to be tested by.

    Args:
        plan: as of `prompt_plan`.
        labels: of each prompted data set whose labels are known, with the splits that each has images in.
        split: that is tested.
        whole: whether the labels of all prompted data sets are known.
    """
    problems: list[str] = []
    if whole:
        everywhere = {label for of_dataset in labels.values() for label in of_dataset}
        problems += unknown_labels(plan["names"], everywhere)
    for dataset, splits_of in labels.items():
        asked = Asked(**plan["datasets"][dataset])
        problems += unknown_labels(asked.given, splits_of, dataset)
        unlisted = sorted(set(splits_of) - set(asked.listed) - {*asked.given, *plan["names"]})
        if asked.listed and unlisted:
            problems.append(
                f"prompts.own: `{dataset}` has the label `{unlisted[0]}`, which is none of the {len(asked.listed)} "
                f"that its published class names are of; write `prompts.names: {{ {dataset}: "
                f"{{ {unlisted[0]}: WORDS }} }}`, or name another set in prompts.own.{dataset}"
            )
        empty = sorted(
            label
            for label, splits in splits_of.items()
            if split not in splits and set(splits) != {HELD_OUT}
        )
        if empty:
            problems.append(
                f"prompts.datasets: `{dataset}` has no image of `{empty[0]}` in split `{split}`"
                f"{f', nor of {len(empty) - 1} other classes' if len(empty) > 1 else ''}, so that fewer classes would "
                f"be chosen from than it has; give the split a larger share, take more images of each class, "
                f"or leave out small classes by `min_images_per_label`"
            )
    return problems

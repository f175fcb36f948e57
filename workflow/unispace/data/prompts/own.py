"""What each known data set is asked in: its own templates and class names, as they were published for it.

A set is a file `own/<name>.yaml` of this package: `source` and `licence`; `templates`, or the name of a set of them;
`names`, words by label where these are not the label itself; `spaces`, the characters of a label that are spaces in
words; `complete`, where every label of the data set stands in `names`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import yaml

from unispace.config.datasets import Dataset, DigitsSource, RegisteredSource, TorchvisionSource
from unispace.config.studio import StudioSource
from unispace.data.prompts.templates import SPACES, read_templates
from unispace.errors import UserError, did_you_mean

_FOLDER = files("unispace.data.prompts").joinpath("own")


@dataclass(frozen=True)
class OwnPrompts:
    """The prompts of a data set.

    Attributes:
        source: where they were published.
        licence: of the publication.
        templates: sentences with `{}` or `{a}`.
        names: words by label.
        spaces: characters of a label that are spaces in words.
        complete: whether all labels of the data set are among `names`.
    """

    source: str
    licence: str
    templates: tuple[str, ...]
    names: dict[str, str] = field(default_factory=dict)
    spaces: str = SPACES
    complete: bool = False


@cache
def known_sets() -> tuple[str, ...]:
    """Names of the sets that there are."""
    there = (file.name for file in _FOLDER.iterdir())
    return tuple(sorted(n.removesuffix(".yaml") for n in there if n.endswith(".yaml")))


@cache
def read_own(name: str) -> OwnPrompts:
    """The set of a name.

    Raises:
        UserError: where there is none.
    """
    if name not in known_sets():
        raise UserError(
            f"prompts.own: no prompts `{name}` are known; {did_you_mean(name, known_sets())}"
        )
    held = yaml.safe_load(_FOLDER.joinpath(f"{name}.yaml").read_text("utf-8"))
    templates = held.pop("templates")
    lines = read_templates(templates) if isinstance(templates, str) else tuple(templates)
    return OwnPrompts(templates=lines, **held)


def own_set(dataset: Dataset) -> str | None:
    """The set that a data set is known to have, by its source; None where there is none."""
    match dataset.source:
        case StudioSource(family=family):
            name = f"studio-{family}"
        case DigitsSource():
            name = "digits"
        case TorchvisionSource(name=known_as) | RegisteredSource(name=known_as):
            name = known_as.lower()
        case _:
            return None
    return name if name in known_sets() else None


def unlisted(name: str, labels: Iterable[str]) -> list[str]:
    """Labels that are none of a set of which all are known."""
    own = read_own(name)
    return sorted(set(labels) - set(own.names)) if own.complete else []

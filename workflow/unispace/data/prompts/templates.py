"""Templates of prompts, as files of this package: one a line, and what a class becomes in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from importlib.resources import files

from unispace.errors import did_you_mean


def read_templates(name: str) -> tuple[str, ...]:
    """The templates of a set, in their order.

    In each stands `{}` for the name of a class, or `{a}` for the name with `a` or `an` before it.

    Raises:
        FileNotFoundError: where there is no such set.
    """
    text = files("unispace.data.prompts").joinpath(f"{name}.txt").read_text("utf-8")
    return tuple(text.splitlines())


def fill(templates: Sequence[str], words: str) -> list[str]:
    """One sentence a template.

    Args:
        templates: with `{}` or `{a}` in each.
        words: name of the class, such as `hot air balloon`.
    """
    article = "an" if words[:1].lower() in tuple("aeiou") else "a"
    return [template.format(words, a=f"{article} {words}") for template in templates]


def words_of(label: str) -> str:
    """A label as a text says it where a study gives no words of its own: `ice_cream` is `ice cream`."""
    return label.replace("_", " ")


def unknown_labels(named: Iterable[str], known: Collection[str]) -> list[str]:
    """What is wrong with words for labels that no prompted data set has; empty where all are known.

    Args:
        named: labels that a study has words for.
        known: labels of the prompted data sets.
    """
    return [
        f"prompts.names: no data set has the label `{label}`; {did_you_mean(label, known)}"
        for label in named
        if label not in known
    ]

"""Templates of prompts, as files of this package: one a line, and what a class becomes in them."""

from __future__ import annotations

import string
from collections.abc import Collection, Iterable, Sequence
from importlib.resources import files
from pathlib import Path

from unispace.errors import UserError, did_you_mean

SPACES = "_"
"""What is a space in the words of most labels."""


def read_templates(name: str) -> tuple[str, ...]:
    """The templates of a set, in their order.

    In each stands `{}` for the name of a class, or `{a}` for the name with `a` or `an` before it.

    Raises:
        FileNotFoundError: where there is no such set.
    """
    text = files("unispace.data.prompts").joinpath(f"{name}.txt").read_text("utf-8")
    return tuple(text.splitlines())


def read_template_file(path: Path, called: str) -> tuple[str, ...]:
    """Templates of the user: one a line; empty lines and lines that begin with `#` say nothing.

    Args:
        path: the file.
        called: what the study calls it, for messages.

    Raises:
        UserError: where it is no text, holds nothing, or a line has not one placeholder.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{called}: cannot be read as text ({error})") from error
    found = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if problem := _malformed(text):
            raise UserError(
                f"{called}:{number}: `{text}` {problem}; write `{{}}` where the name of the class goes, as in "
                f"`a photo of a {{}}.`, or `{{a}}` for the name with its article"
            )
        found.append(text)
    if not found:
        raise UserError(
            f"{called}: holds no template; write one a line, such as `a photo of a {{}}.`"
        )
    if len(set(found)) < len(found):
        twice = next(text for i, text in enumerate(found) if text in found[:i])
        raise UserError(f"{called}: `{twice}` stands there twice; take one out")
    return tuple(found)


def _malformed(template: str) -> str:
    """What is wrong with a template; empty where nothing is."""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        return f"is no template ({error})"
    fields = [field for _, field, _, _ in parts if field is not None]
    if any(form or change for _, _, form, change in parts) or set(fields) - {"", "a"}:
        return "has another placeholder"
    return (
        "" if len(fields) == 1 else "has no placeholder" if not fields else "has two placeholders"
    )


def fill(templates: Sequence[str], words: str) -> list[str]:
    """One sentence a template.

    Args:
        templates: with `{}` or `{a}` in each.
        words: name of the class, such as `hot air balloon`.
    """
    article = "an" if words[:1].lower() in tuple("aeiou") else "a"
    return [template.format(words, a=f"{article} {words}") for template in templates]


def words_of(label: str, spaces: str = SPACES) -> str:
    """A label as a text says it where nobody gives other words: `ice_cream` is `ice cream`."""
    return label.translate({ord(mark): " " for mark in spaces})


def unknown_labels(
    named: Iterable[str], known: Collection[str], dataset: str | None = None
) -> list[str]:
    """What is wrong with words for labels that no prompted data set has; empty where all are known.

    Args:
        named: labels that a study has words for.
        known: labels of the prompted data sets, or of one of them.
        dataset: this one.
    """
    where, who = (
        ("", "no data set has") if dataset is None else (f".{dataset}", f"`{dataset}` has not")
    )
    return [
        f"prompts.names{where}: {who} the label `{label}`; {did_you_mean(label, known)}"
        for label in named
        if label not in known
    ]

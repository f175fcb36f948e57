"""Texts about attacks and about bona fide presentations, as files of this package: a class and a sentence a line."""

from __future__ import annotations

from importlib.resources import files

from unispace.config.base import BONA_FIDE

ATTACK = "attack"
CLASSES = (ATTACK, BONA_FIDE)
"""The two classes that texts tell apart, in the order of their vectors."""


def read_attack_texts(name: str, domain: str) -> dict[str, tuple[str, ...]]:
    """The sentences of both classes.

    Args:
        name: of a set of texts.
        domain: `pad` or `mad`.

    Returns:
        Sentences by class, in the order of `CLASSES`.

    Raises:
        FileNotFoundError: where there is no such set for that domain.
        ValueError: where a line names no class or a class has no sentence.
    """
    folder = files("unispace.data.prompts").joinpath("attacks")
    lines = folder.joinpath(f"{name}-{domain}.txt").read_text("utf-8").splitlines()
    found: dict[str, list[str]] = {label: [] for label in CLASSES}
    for number, line in enumerate(lines, 1):
        label, colon, sentence = line.partition(": ")
        if not colon or label not in found or not sentence.strip():
            raise ValueError(
                f"{name}-{domain}.txt, line {number}: `{line}`; write `{ATTACK}: a sentence` or "
                f"`{BONA_FIDE}: a sentence`"
            )
        found[label].append(sentence)
    for label, sentences in found.items():
        if not sentences:
            raise ValueError(f"{name}-{domain}.txt: no sentence of class `{label}`")
    return {label: tuple(sentences) for label, sentences in found.items()}

"""Which curricula differ in a single setting: a controlled study of what that setting does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from unispace.config.base import canonical_json
from unispace.config.curricula import Curriculum

FACTORS = {
    "lora.rank": "rank of the low-rank updates",
    "learning_rate": "learning rate",
    "steps": "steps",
}
"""What is varied, by its place in a curriculum, and what it is called."""


class Controlled(NamedTuple):
    """Curricula that differ in one setting alone.

    Attributes:
        factor: one of `FACTORS`.
        levels: value of the factor and name of the curriculum, rising.
    """

    factor: str
    levels: tuple[tuple[float, str], ...]


def controlled(curricula: Mapping[str, Curriculum]) -> tuple[Controlled, ...]:
    """Groups of at least two trained curricula that differ in one of `FACTORS` and in nothing else.

    Of curricula that are equal in everything, which can only be a copy, the first counts.
    """
    found = []
    for factor in FACTORS:
        groups: dict[str, dict[float, str]] = {}
        for name, settings in curricula.items():
            if not settings.train_on:
                continue
            plain = settings.model_dump(mode="json")
            value = _taken_out(plain, factor.split("."))
            if value is not None:
                groups.setdefault(canonical_json(plain), {}).setdefault(value, name)
        found += [
            Controlled(factor, tuple(sorted(group.items())))
            for group in groups.values()
            if len(group) > 1
        ]
    return tuple(found)


def _taken_out(settings: dict[str, Any], keys: list[str]) -> float | None:
    """Take a number out of nested settings, and return it; None where it is not there."""
    *outer, last = keys
    for key in outer:
        settings = settings.get(key) or {}
    value = settings.pop(last, None)
    return None if value is None else float(value)

"""Names written with braces, as shards are: `faces-{0000..0099}.tar`, `{train,val}.tar`."""

from __future__ import annotations

import itertools
import math
import re

from unispace.errors import UserError

_GROUP = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)", re.ASCII)
_MOST = 1_000_000


def expand_braces(pattern: str) -> list[str]:
    """All names that a pattern stands for, in its order, each once.

    `{a..b}` counts from a to b, both included, filled with zeros to the width of a; `{x,y}` names each.

    Raises:
        UserError: where a brace is open or within another one, holds neither, or the names are too many.
    """
    parts = _GROUP.split(pattern)
    if any(sign in text for text in parts[::2] for sign in "{}"):
        raise UserError(f"`{pattern}`: a brace is open, or stands within another one")
    # Every second part stood in braces.
    sizes = [_size(inside, pattern) for inside in parts[1::2]]
    if math.prod(sizes) > _MOST:
        raise UserError(f"`{pattern}` stands for more than {_MOST:,} names")
    choices = [_choices(part) if i % 2 else [part] for i, part in enumerate(parts)]
    return list(dict.fromkeys("".join(chosen) for chosen in itertools.product(*choices)))


def _size(inside: str, pattern: str) -> int:
    """How many choices stand in a pair of braces."""
    numbers = _RANGE.fullmatch(inside)
    if numbers and int(numbers[1]) <= int(numbers[2]):
        return int(numbers[2]) - int(numbers[1]) + 1
    if numbers or "," not in inside:
        raise UserError(
            f"`{pattern}`: {{{inside}}} must be a rising range such as {{0000..0099}}, or names such as {{train,val}}"
        )
    return inside.count(",") + 1


def _choices(inside: str) -> list[str]:
    numbers = _RANGE.fullmatch(inside)
    if not numbers:
        return inside.split(",")
    width = len(numbers[1])
    return [f"{n:0{width}d}" for n in range(int(numbers[1]), int(numbers[2]) + 1)]

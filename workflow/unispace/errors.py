"""The one kind of error that is shown to users without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user can mend: the message names the thing, the place and the remedy."""


def did_you_mean(word: str, allowed: Iterable[str]) -> str:
    """A sentence that suggests the nearest allowed word, or lists what is allowed."""
    choices = sorted(allowed)
    # A name that was cut short is meant before one that only looks alike.
    longer = [choice for choice in choices if len(word) > 3 and choice.startswith(word)]
    near = [*longer, *difflib.get_close_matches(word, choices, n=3, cutoff=0.6)]
    near = list(dict.fromkeys(near))[:3]
    shown = ", ".join(choices[:12]) + (", ..." if len(choices) > 12 else "")
    if near and len(choices) <= 6:
        return f"did you mean `{near[0]}`? (allowed: {shown})"
    if near:
        return f"did you mean {' or '.join(f'`{word}`' for word in near)}?"
    return f"allowed: {shown}" if choices else "none are defined"

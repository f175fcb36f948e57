"""On which line of a file of settings something stands."""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml

# A key right before its value. Addresses are values, and a drive letter is no key.
_CROWDED = re.compile(r"^\s*(?:- )?([A-Za-z_][\w-]+):(?!//)[^\s:]")


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """The line (from 1) on which a key stands, or that of the nearest block above it.

    Returns:
        None where the text is empty or does not hold even the first key.
    """
    node = yaml.compose(text, Loader=yaml.SafeLoader) if text else None
    line = None
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = [(k, v) for k, v in node.value if k.value == str(part)]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            if part >= len(node.value):
                break
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def referring(message: str, name: str, text: str) -> str:
    """Problems between parts of a study, one a line and each opening with its key."""
    return "\n".join(f"  {placed(problem, name, text)}" for problem in message.split("\n"))


def placed(problem: str, name: str, text: str) -> str:
    """A problem that opens with its dotted key, such as `datasets.faces.source: ...`, behind its file and line.

    Returns:
        The problem as it is where the text does not hold the key.
    """
    key = problem.split(":")[0].split(" ")[0].strip("`")
    line = line_of(text, key.split("."))
    return f"{name}:{line}: {problem}" if line else problem


def with_places(message: str, name: str, text: str) -> str:
    """A list of problems, one in each line that begins with `- `, each as `placed` gives it; other lines as they are."""
    lines = message.split("\n")
    return "\n".join(
        f"- {placed(line[2:], name, text)}" if line.startswith("- ") else line for line in lines
    )


def without_space(text: str, line: int) -> tuple[int, str] | None:
    """The nearest key at or before a line that stands right before its value, as in `size:32`.

    YAML takes that for a text that goes on below, and stumbles over a later line.

    Args:
        text: no valid YAML.
        line: where it was noticed, from 0.

    Returns:
        Its line, from 1, and the key; None where the line and the last one before it that is not empty hold none.
    """
    lines = text.split("\n")
    before = [i for i in range(min(line, len(lines) - 1) + 1) if lines[i].strip()][-2:]
    for i in reversed(before):
        if found := _CROWDED.match(lines[i]):
            return i + 1, found[1]
    return None

"""Which source files of the package a command is made of, found from its imports."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


@cache
def code_of(command: str) -> tuple[Path, ...]:
    """All files of the package that a command imports, directly or not, at its top or later.

    Args:
        command: name of a module in `unispace.commands`, such as `train_model`.

    Returns:
        Sorted paths below the package's folder.

    Raises:
        FileNotFoundError: where there is no such command.
    """
    start = PACKAGE / "commands" / f"{command}.py"
    if not (command.isidentifier() and start.is_file()):
        raise FileNotFoundError(f"no command {command!r} in {start.parent}")
    found: set[Path] = set()
    waiting = _files(f"{PACKAGE.name}.commands.{command}")
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        waiting.extend(_imports(path))
    return tuple(sorted(found))


@cache
def _imports(path: Path) -> frozenset[Path]:
    """Files of the package that one file imports."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.update(_files(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.update(_files(node.module))
            for alias in node.names:
                found.update(_files(f"{node.module}.{alias.name}"))
    return frozenset(found)


def _files(module: str) -> list[Path]:
    """The file of a module of the package and those of the packages it lies in."""
    parts = module.split(".")
    if parts[0] != PACKAGE.name:
        return []
    found = [
        PACKAGE.joinpath(*parts[1:i], "__init__.py")
        for i in range(1, len(parts) + 1)
        if PACKAGE.joinpath(*parts[1:i], "__init__.py").is_file()
    ]
    if len(parts) > 1:
        file = PACKAGE.joinpath(*parts[1:]).with_suffix(".py")
        if file.is_file():
            found.append(file)
    return found

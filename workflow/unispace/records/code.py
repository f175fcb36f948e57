"""Which source files of the package a command is made of, found from its imports."""

from __future__ import annotations

import ast
import sys
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

from unispace.errors import UserError, did_you_mean

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


def own_code(function: str) -> Path | None:
    """The file of a function of the user's own; nothing is imported to find it.

    Args:
        function: as `module:function`.

    Returns:
        Its path from the working folder, where jobs look first; None where the module is an installed one.

    Raises:
        UserError: where there is no such module, or no such function at the top of its file.
    """
    module, _, name = function.partition(":")
    place = Path(*module.split("."))
    for file in (place.with_suffix(".py"), place / "__init__.py"):
        if file.is_file():
            try:
                top = ast.parse(file.read_bytes()).body
            except SyntaxError as error:
                raise UserError(f"{file}: line {error.lineno}: {error.msg}") from error
            if any(isinstance(node, ast.FunctionDef) and node.name == name for node in top):
                return file
            there = [node.name for node in top if isinstance(node, ast.FunctionDef)]
            raise UserError(f"{file} has no function `{name}`; {did_you_mean(name, there)}")
    if PathFinder.find_spec(module.partition(".")[0], sys.path) is None:
        raise UserError(
            f"no module `{module}`; put {place.with_suffix('.py')} beside the Snakefile"
        )
    return None


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

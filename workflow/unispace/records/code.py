"""Which source files of the package a command is made of, found from its imports."""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import version
from pathlib import Path

from unispace.errors import UserError, did_you_mean

# `import a.b as c, d`, and `from a.b import c as d, e` in one line or in brackets; nothing relative.
_IMPORT = re.compile(
    r"^[ \t]*(?:import[ \t]+([^\n]+)|from[ \t]+(\w[\w.]*)[ \t]+import[ \t]+(?:\(([^)]*)\)|([^\n(]+)))",
    re.M,
)
_COMMENT = re.compile(r"#[^\n]*")

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
    waiting = list(_files(f"{PACKAGE.name}.commands.{command}"))
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        waiting.extend(_imports(path))
    return tuple(sorted(found))


def version_of(command: str, *libraries: str) -> str:
    """What the code of a command is called: equal code, equal name, 12 hexadecimal digits.

    Args:
        command: as `code_of` takes it.
        libraries: installed packages whose versions count too.

    Raises:
        FileNotFoundError: where there is no such command.
    """
    digest = hashlib.sha256()
    for path in code_of(command):
        for part in (path.relative_to(PACKAGE).as_posix().encode(), b"\0", path.read_bytes()):
            digest.update(part)
    for library in libraries:
        digest.update(f"{library} {version(library)}".encode())
    return digest.hexdigest()[:12]


def imports(command: str, *libraries: str) -> bool:
    """Whether any file that a command is made of imports one of these libraries, at its top or later."""
    return any(
        name.partition(".")[0] in libraries for path in code_of(command) for name in _names(path)
    )


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
    return frozenset(file for name in _names(path) for file in _files(name))


@cache
def _names(path: Path) -> frozenset[str]:
    """What one file imports, as dotted names, of the package or not; what comes from a module is taken for one.

    By the look of its lines: every job asks for the code that it is made of, and to parse that takes longer than many a
    job. A test holds all files of the package against what Python parses.
    """
    found: set[str] = set()
    for whole, module, many, some in _IMPORT.findall(path.read_text("utf-8")):
        names = [
            part.split()[0]
            for part in _COMMENT.sub("", whole or many or some).split(",")
            if part.strip()
        ]
        if not module:
            found.update(names)
            continue
        found.add(module)
        found.update(f"{module}.{name}" for name in names)
    return frozenset(found)


def _files(module: str) -> tuple[Path, ...]:
    """The file of a module of the package and those of the packages it lies in."""
    return _files_in(PACKAGE, module)


@cache
def _files_in(package: Path, module: str) -> tuple[Path, ...]:
    """As `_files`; each is looked up once, though most are imported by many."""
    parts = module.split(".")
    if parts[0] != package.name:
        return ()
    found = [
        package.joinpath(*parts[1:i], "__init__.py")
        for i in range(1, len(parts) + 1)
        if package.joinpath(*parts[1:i], "__init__.py").is_file()
    ]
    if len(parts) > 1:
        file = package.joinpath(*parts[1:]).with_suffix(".py")
        if file.is_file():
            found.append(file)
    return tuple(found)

"""What a command is made of is found from its imports."""

import ast
import subprocess
import sys
import textwrap

import pytest

from unispace.__main__ import command_names
from unispace.records import code
from unispace.records.code import PACKAGE, code_of, imports

COMMANDS = [name.replace("-", "_") for name in command_names()]


def names_of(command):
    return {path.relative_to(PACKAGE).as_posix() for path in code_of(command)}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_files(command):
    files = names_of(command)
    assert {"__init__.py", "commands/__init__.py", f"commands/{command}.py"} <= files
    assert list(code_of(command)) == sorted(code_of(command))
    assert all(path.is_file() for path in code_of(command))


def test_libraries_of_a_command_are_found_at_the_top_of_files_and_in_functions(
    tmp_path, monkeypatch
):
    package = tmp_path / "unispace"
    (package / "commands").mkdir(parents=True)
    (package / "room.py").write_text("def later():\n    from timm.models import create\n")
    (package / "commands/one.py").write_text("import numpy as np\nimport scipy.stats\n")
    (package / "commands/two.py").write_text("from unispace.room import later\n")
    monkeypatch.setattr(code, "PACKAGE", package)
    code.code_of.cache_clear()
    assert imports("one", "numpy")
    assert imports("one", "torch", "scipy")
    assert not imports("one", "timm", "stats")
    assert imports("two", "timm")
    assert not imports("two", "numpy")
    code.code_of.cache_clear()


def test_there_are_commands():
    assert {"prepare_data", "train_model", "evaluate_verification"} <= set(COMMANDS)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("evaluate_")])
def test_evaluation_is_not_made_of_training_or_painting(command):
    files = names_of(command)
    assert any(name.startswith("evaluation/") for name in files)
    for room in ("curricula/", "data/studio/", "backbones/", "reporting/"):
        assert not [name for name in files if name.startswith(room)]


def test_training_is_not_made_of_evaluation():
    files = names_of("train_model")
    assert "curricula/training.py" in files  # imported in a function
    for room in ("evaluation/", "analysis/", "reporting/", "data/studio/"):
        assert not [name for name in files if name.startswith(room)]


def test_preparing_data_is_made_of_the_painters():
    assert {"data/studio/faces.py", "data/degrade.py", "records/images.py"} <= names_of(
        "prepare_data"
    )


def test_fetching_is_not_made_of_painters():
    assert not [name for name in names_of("fetch_archive") if "data/studio" in name]


@pytest.mark.parametrize("command", ["fetch_archive", "evaluate_verification", "collect_results"])
def test_all_that_python_loads_for_a_command_is_found(command):
    report = (
        f"import sys, unispace.commands.{command}; "
        "print(*(m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'unispace'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert loaded
    assert set(loaded) <= {str(path) for path in code_of(command)}


@pytest.mark.parametrize("command", ["fly_away", "", "../records/code", "prepare-data"])
def test_an_unknown_command_is_an_error(command):
    with pytest.raises(FileNotFoundError, match="no command"):
        code_of(command)


# The first starts a command; the second loads a function of the user's own, never one of the package
# (tests/config/test_config_providers.py).
OF_OTHERS = ("__main__.py", "backbones/python_tower.py")


def test_no_module_uses_imports_that_are_not_followed():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path
            called = isinstance(node, ast.Call) and ast.unparse(node.func)
            if path.relative_to(PACKAGE).as_posix() not in OF_OTHERS:
                imports = ("importlib.import_module", "import_module", "__import__")
                assert called not in imports, path


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package in place of the real one."""
    root = tmp_path / "unispace"
    files = {
        "commands/go.py": """
            import os
            import unispace.room.direct as d
            from unispace.room import named, VALUE
            from unispace.room.deep.inner import thing
            from unispaced import other
            def f():
                from unispace import late
            """,
        "commands/stay.py": "import unispace",
        "room/direct.py": "from unispace.commands import go",  # a circle
        "room/named.py": "",
        "room/unused.py": "",
        "room/deep/inner.py": "import unispace.room.deep.inner",
        "late.py": "from unispace.room import *",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(text))
    for folder in ("", "commands", "room", "room/deep"):
        (root / folder / "__init__.py").touch()
    monkeypatch.setattr(code, "PACKAGE", root)
    code_of.cache_clear()
    code._imports.cache_clear()
    yield root
    code_of.cache_clear()


def test_every_form_of_import_is_followed_once(package):
    assert {p.relative_to(package).as_posix() for p in code_of("go")} == {
        "__init__.py",
        "commands/__init__.py",
        "commands/go.py",
        "late.py",
        "room/__init__.py",
        "room/deep/__init__.py",
        "room/deep/inner.py",
        "room/direct.py",
        "room/named.py",
    }


def test_a_command_without_imports_is_itself(package):
    assert {p.relative_to(package).as_posix() for p in code_of("stay")} == {
        "__init__.py",
        "commands/__init__.py",
        "commands/stay.py",
    }


def parsed(text):
    """What a text imports, as Python's own parser finds it."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def test_imports_are_what_python_parses_in_every_file_of_the_package():
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 300
    for file in files:
        assert code._names(file) == parsed(file.read_text("utf-8")), file


@pytest.mark.parametrize(
    "text",
    [
        "import os",
        "import numpy as np, pandas as pd  # libraries",
        "from a.b import c as d, e",
        "from a.b import (  # some\n    c,  # one, two\n    d as e,\n)\nimport f",
        "def later():\n    from a import b\n    import c.d\n",
        "from . import near\nfrom .x import y\nfrom a import b",
        "from __future__ import annotations\nimportant = 1\nfrom_here = 2",
        "",
    ],
)
def test_imports_of_every_form_are_found(tmp_path, text):
    (tmp_path / "file.py").write_text(text)
    assert code._names(tmp_path / "file.py") == parsed(text)

"""What ruff's rules of security do not see: every call that could open a pickle, unpack anywhere or ask a shell."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("workflow", "envs", "paper_models")
    for path in (ROOT / folder).rglob("*.py")
)
FORBIDDEN = {
    "eval", "exec", "os.system", "os.popen", "pickle.load", "pickle.loads", "pickle.Unpickler", "pd.read_pickle",
    "joblib.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "shelve.open", "marshal.load", "marshal.loads",
    "dill.load", "cloudpickle.load", "torch.hub.load", "torch.jit.load",
}  # fmt: skip
UNPACKING = ("extractall", "unpack_archive")
# What has to be said at each call, since leaving it out is unsafe or depends on the version of a library.
SAID = {
    "np.load": ("allow_pickle", False),
    "np.save": ("allow_pickle", False),
    "torch.load": ("weights_only", True),
    "load_state_dict": ("weights_only", True),
    "load_checkpoint": ("weights_only", True),
}


def named(node: ast.expr) -> str:
    """What is called, as it stands there: `np.load`; of other expressions the last name."""
    if isinstance(node, ast.Attribute):
        before = named(node.value)
        return f"{before}.{node.attr}" if before else node.attr
    return node.id if isinstance(node, ast.Name) else ""


def problems_of(text: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        name = named(node.func)
        given = {k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)}
        if name in FORBIDDEN or name.rsplit(".", 1)[-1] in UNPACKING:
            found.append(f"{node.lineno}: {name}")
        if given.get("shell"):
            found.append(f"{node.lineno}: {name} with a shell")
        key, value = SAID.get(name, ("", None))
        if key and given.get(key) is not value:
            found.append(f"{node.lineno}: {name} without {key}={value}")
        runs = name.startswith("subprocess.") and name.rsplit(".", 1)[-1] in ("run", "Popen", "call", "check_output")  # fmt: skip
        if runs and node.args and isinstance(node.args[0], ast.Constant | ast.JoinedStr):
            found.append(f"{node.lineno}: {name} of a text, not of a list")
    return found


@pytest.mark.parametrize(
    "text",
    [
        "np.load(p)",
        "np.load(p, allow_pickle=True)",
        "np.save(p, x)",
        "torch.load(p)",
        "torch.load(p, weights_only=False)",
        "load_state_dict(p)",
        "pickle.load(f)",
        "yaml.load(t, Loader=yaml.Loader)",
        "tarfile.open(p).extractall(d)",
        "shutil.unpack_archive(p)",
        "subprocess.run(c, shell=True)",
        "subprocess.run('ls', check=True)",
        "subprocess.Popen(f'ls {x}')",
        "os.system(c)",
        "eval(t)",
    ],
)
def test_each_of_these_is_seen(text):
    assert len(problems_of(text)) == 1


@pytest.mark.parametrize(
    "text",
    ["np.load(p, allow_pickle=False)", "torch.load(p, weights_only=True)", "yaml.safe_load(t)",
     "subprocess.run([sys.executable, '-m', 'dvc'], check=False)", "body.load_state_dict"],
)  # fmt: skip
def test_what_is_safe_passes(text):
    assert problems_of(text) == []


def test_no_file_of_ours_makes_such_a_call():
    assert len(FILES) > 200
    found = {name: problems_of((ROOT / name).read_text("utf-8")) for name in FILES}
    assert {name: problems for name, problems in found.items() if problems} == {}

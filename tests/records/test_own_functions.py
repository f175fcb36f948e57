"""A study can name functions of the user's own files, and have nothing else called."""

import re

import pytest

from unispace.errors import UserError
from unispace.records.own_functions import allowed_code


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    folder = tmp_path / "project"
    (folder / "nets").mkdir(parents=True)
    (folder / "nets" / "mine.py").write_text("def small(): ...\n")
    monkeypatch.chdir(folder)
    return folder


def test_a_function_of_an_own_file_may_be_named():
    assert str(allowed_code("nets.mine:small")) == "nets/mine.py"


def test_functions_that_build_networks_may_be_named():
    assert allowed_code("torchvision.models:resnet18") is None
    assert allowed_code("torchvision.models.resnet:resnet18") is None


@pytest.mark.parametrize(
    "function",
    [
        "os:system",
        "subprocess:run",
        "builtins:eval",
        "torch.hub:load",
        "torch:load",
        "torchvision.models_of_mine:x",
        "torchvision.io:read_file",
        "pip:main",
        "snakemake.shell:shell",
        "fork_server.start:start_servers",
        "envs.lock:resolve",
        "workflow.unispace.commands.accept:run",
    ],
)
def test_what_else_can_be_imported_may_not(function):
    module = re.escape(function.partition(":")[0])
    with pytest.raises(UserError, match=f"may not name functions of `{module}`"):
        allowed_code(function)


def test_a_file_of_the_name_of_a_standard_module_does_not_open_that_module(here):
    (here / "os.py").write_text("def system(command): ...\n")
    with pytest.raises(UserError, match="may not name functions of `os`"):
        allowed_code("os:system")


def test_a_link_out_of_the_folder_is_not_followed(here, tmp_path):
    (tmp_path / "elsewhere.py").write_text("def small(): ...\n")
    (here / "linked.py").symlink_to(tmp_path / "elsewhere.py")
    with pytest.raises(UserError, match=r"linked\.py is a link that leads out of this folder"):
        allowed_code("linked:small")

"""All findings together: in what order things are asked, and what the command says of a wrong config."""

import pytest

from unispace.commands import doctor
from unispace.commands.common.run import run_command
from unispace.doctor.examine import examine
from unispace.errors import UserError
from unispace.records.explanation import Explanation


def examined(root, study, machine, plan):
    return examine(study, root, machine, [], [], plan)


def nothing_to_do():
    return Explanation("s", 9, (), 0.0, 2)


def test_a_healthy_study(root, planted):
    found = examined(root, planted.study(), planted.machine(), nothing_to_do)
    assert {f.severity for f in found} == {"ok"}
    checks = {f.check for f in found}
    assert {"lock", "versions", "files", "sources", "licences", "provenance", "disk"} <= checks
    assert {"devices", "time"} <= checks


def test_too_small_a_disk(root, planted):
    found = examined(root, planted.study(), planted.machine(disk_free=1000), nothing_to_do)
    (error,) = [f for f in found if f.severity == "error"]
    assert error.check == "disk"
    assert "only 0 MB are free" in error.message


def test_snakemake_is_not_asked_where_it_would_refuse(root, planted):
    def never() -> Explanation:
        raise AssertionError("the Snakefile checks the same sources and would stop")

    found = examined(root, planted.study(a=planted.archive()), planted.machine(), never)
    assert [f.check for f in found if f.severity == "error"] == ["sources"]
    assert [f.check for f in found if f.severity == "note"] == ["licences", "plan"]


def test_what_snakemake_refuses_is_told(root, planted):
    def refuse() -> Explanation:
        raise UserError("Snakemake cannot plan s.yaml:\nCyclic dependency")

    found = examined(root, planted.study(), planted.machine(), refuse)
    (error,) = [f for f in found if f.severity == "error"]
    assert (error.check, error.message) == (
        "plan",
        "Snakemake cannot plan s.yaml:\nCyclic dependency",
    )


def test_every_mistake_of_a_config_is_a_finding(root, capsys):
    (root / "s.yaml").write_text("study: s\nsede: 1\ncurricula: { base: { steps: many } }\n")
    assert run_command("doctor", doctor.configure, doctor.run, ["s.yaml"]) == 1
    said = capsys.readouterr()
    lines = [line for line in said.out.splitlines() if line.startswith("error    config")]
    assert any("s.yaml:2: `sede`: unknown key" in line for line in lines)
    assert any("`curricula.base.steps`: got 'many', needs a whole number" in line for line in lines)
    assert len(lines) > 2
    assert "not ready to run: s.yaml" in said.err


def test_outside_of_a_project_it_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_command("doctor", doctor.configure, doctor.run, []) == 1
    assert "no Snakefile here; call this at the top of the project" in capsys.readouterr().err


@pytest.mark.parametrize("cores", ["0", "-2"])
def test_cores_are_at_least_one(cores, capsys):
    with pytest.raises(SystemExit):
        run_command("doctor", doctor.configure, doctor.run, ["--cores", cores])
    assert "no number of cores" in capsys.readouterr().err

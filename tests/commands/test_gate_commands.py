"""Gate and acceptance as commands, in a throw-away repository of Git."""

import argparse
import subprocess

import pytest
from tests.evaluation.tidy_rows import row, table

from unispace.commands import accept, gate
from unispace.errors import UserError
from unispace.records.golden import read_acceptances, read_golden
from unispace.records.results import SCHEMA
from unispace.records.tables import write_table

STUDY = """\
study: {name}
seed: 0
datasets:
  faces:
    domain: face_hq
    source: {{ kind: studio, labels: 24, images_per_label: 4, size: 32 }}
backbones:
  pixels:
    architecture: pixels
    options: {{ grid: 8, dimension: 16 }}
    preprocessing: {{ size: 32 }}
    weights: {{ kind: random }}
curricula:
  base: {{}}
evaluation:
  datasets: [faces]
"""


def call(command, *arguments):
    parser = argparse.ArgumentParser()
    command.configure(parser)
    command.run(parser.parse_args([str(argument) for argument in arguments]))


def git(*arguments):
    return subprocess.run(
        ["git", *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with two studies, of which neither has run."""
    monkeypatch.chdir(tmp_path)
    for name in ("USER", "AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Tester")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "tester@example.org")
    (tmp_path / "config.yaml").write_text(STUDY.format(name="main"))
    (tmp_path / "other.yaml").write_text(STUDY.format(name="other"))
    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "x")
    return tmp_path


def found(folder, *rows, study="main"):
    rows = [one | {"study": study} for one in rows]
    write_table(table(*rows), SCHEMA, folder / f"results/{study}/results.parquet")


def test_a_run_that_was_accepted_passes(project, capsys):
    found(project, row(), row(metric="EER", value=0.2, lower=0.1, upper=0.3))
    call(accept, "--reason", "first  results\n")
    call(gate)
    assert "results/main/results.parquet: all 2 cells are as expected" in capsys.readouterr().out
    (accepted,) = read_acceptances(project / "results/accepted.csv")
    assert (accepted.cells, accepted.changed, accepted.lost, accepted.new) == (2, 0, 0, 2)
    assert accepted.reason == "first results"
    assert accepted.commit == git("rev-parse", "--short=10", "HEAD")
    assert accepted.biggest == ""


def test_a_drift_stops_with_a_table_and_the_way_out(project, capsys):
    found(project, row(), row(metric="EER"), row(dataset="bodies"))
    call(accept, "--reason", "first results")
    found(project, row(value=0.85), row(metric="EER"), row(dataset="cars"))
    with pytest.raises(UserError, match=r"3 of 4 cells are not as expected \(1 lost, 1 new, 1 value\)") as caught:  # fmt: skip
        call(gate, "--markdown", "out/drift.md")
    assert 'unispace accept --reason "why"`' in str(caught.value)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["drift", "what", "expected", "found", "change", "allowed", "cell"]
    assert [line.split()[:2] for line in lines[1:4]] == [["–", "lost"], ["–", "new"], ["5.0x", "value"]]  # fmt: skip
    shown = (project / "out/drift.md").read_text()
    assert shown.startswith("## Results of study `main`\n\n3 of 4 cells are not as expected")
    assert "| 5.0x | value | 0.800 | 0.850 | +0.05 | ±0.01 | verification, m/base/seed0, faces" in shown  # fmt: skip


def test_a_drift_is_accepted_with_a_reason_and_then_passes(project, capsys):
    found(project, row(), row(metric="EER"), row(dataset="bodies"))
    call(accept, "--reason", "first results")
    git("add", "--all")
    git("commit", "--quiet", "--message", "x")
    (project / "other.yaml").write_text("changed: since\n")
    found(project, row(value=0.85), row(metric="EER", value=0.801), row(dataset="cars"))
    call(accept, "--reason", "Faces are rendered with ears")
    call(gate)
    accepted = read_acceptances(project / "results/accepted.csv")
    assert [one.reason for one in accepted] == ["first results", "Faces are rendered with ears"]
    last = accepted[-1]
    # A change within the allowance is one too, since the file changes.
    assert (last.cells, last.changed, last.lost, last.new) == (3, 2, 1, 1)
    assert last.biggest == "verification, m/base/seed0, faces, all-pairs, AUC: +0.05, allowed ±0.01"
    assert last.commit.endswith("+")


def test_the_same_results_are_not_accepted_twice(project, caplog):
    found(project, row())
    call(accept, "--reason", "first results")
    with caplog.at_level("INFO"):
        call(accept, "--reason", "again")
    assert "nothing to accept" in caplog.text
    assert len(read_acceptances(project / "results/accepted.csv")) == 1


def test_another_study_has_files_of_its_own(project):
    found(project, row(), study="other")
    call(accept, "other.yaml", "--reason", "first results")
    assert read_golden(project / "results/golden-other.csv")["value"].tolist() == [0.8]
    assert (project / "results/accepted-other.csv").is_file()
    assert not (project / "results/golden.csv").exists()
    call(gate, "other.yaml")


def test_what_is_missing_is_named_with_the_command_that_makes_it(project):
    with pytest.raises(UserError, match=r'golden\.csv: nothing is expected .* `unispace accept --reason "first'):  # fmt: skip
        call(gate)
    with pytest.raises(UserError, match=r"no results of study main yet; run `snakemake --cores 2`"):
        call(accept, "--reason", "x")
    with pytest.raises(UserError, match=r"run `snakemake --cores 2 --configfile other\.yaml`"):
        call(accept, "--reason", "x", "other.yaml")
    with pytest.raises(UserError, match=r'`unispace accept --reason "first results" other\.yaml`'):
        call(gate, "other.yaml")
    with pytest.raises(UserError, match=r"absent\.yaml: no such study"):
        call(gate, "absent.yaml")


def test_results_that_were_removed_after_the_acceptance_are_named(project):
    found(project, row())
    call(accept, "--reason", "x")
    (project / "results/main/results.parquet").unlink()
    with pytest.raises(UserError, match="no results of study main yet"):
        call(gate)


def test_results_of_another_study_are_refused(project):
    write_table(table(row() | {"study": "other"}), SCHEMA, project / "results/main/results.parquet")
    with pytest.raises(UserError, match="holds results of another study, other"):
        call(accept, "--reason", "x")


def test_an_empty_reason_is_refused(project):
    found(project, row())
    with pytest.raises(UserError, match="--reason: empty"):
        call(accept, "--reason", " \n")
    with pytest.raises(SystemExit):
        call(accept)
    assert not (project / "results/golden.csv").exists()


def test_outside_of_git_nothing_is_accepted_and_nothing_written(project):
    found(project, row())
    (project / ".git").rename(project / "git-no-more")
    with pytest.raises(UserError, match="an acceptance records the commit"):
        call(accept, "--reason", "x")
    assert not (project / "results/golden.csv").exists()


def test_no_rows_to_list_are_refused(project):
    with pytest.raises(UserError, match="--rows: got 0"):
        call(gate, "--rows", "0")

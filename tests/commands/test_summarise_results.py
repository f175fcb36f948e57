"""The few numbers that DVC compares between two commits, and that it does."""

import argparse
import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.evaluation.tidy_rows import failed, row, table

from unispace.commands import summarise_results
from unispace.config.parse import load_yaml, parse_study
from unispace.records.results import SCHEMA
from unispace.records.tables import write_table

ROOT = Path(__file__).resolve().parents[2]
A, B = "m/base/seed0", "m/imic-a/seed0"


def rows(rank=0.5):
    faces = {"dataset": "faces", "experiment": "identification", "protocol": "enrol-one"}
    return [
        row(**faces, metric="Rank-1", value=rank),
        row(**faces, metric="Rank-5", value=0.9),
        row(**faces | {"protocol": "self-excluded"}, metric="Rank-1", value=0.7),
        row(**faces, metric="Rank-1", value=1 / 3, model=B),
        row(**faces, metric="Rank-1", model=None, source=A, target=B, method="ridge"),
        failed("too few", dataset="faces", metric="TMR@FMR=0.01"),
        row(dataset="objects", experiment="classification", protocol="knn-5", metric="top-1", value=0.25),
        row(dataset="attacks", experiment="attack-detection", protocol="probe", metric="D-EER", value=0.1),
        row(dataset="general", experiment="gelo", protocol="linear-probe", metric="GELO", model=B, source=A, value=0.8),
    ]  # fmt: skip


def summarise(folder, found):
    write_table(table(*found), SCHEMA, folder / "results.parquet")
    parser = argparse.ArgumentParser()
    summarise_results.configure(parser)
    settings = {"models": [A, B], "datasets": ["objects", "faces", "attacks"]}
    arguments = ["--settings", json.dumps(settings), "--results", str(folder / "results.parquet")]
    out = folder / "results/headline.json"
    arguments += ["--metrics", str(out), "--plots", str(out.with_suffix(".csv"))]
    summarise_results.run(parser.parse_args(arguments))
    return json.loads(out.read_text()), out.with_suffix(".csv").read_text()


def test_each_model_has_its_headline_numbers_and_why_one_failed(tmp_path):
    numbers, _ = summarise(tmp_path, rows())
    assert numbers == {
        A: {
            "objects top-1": 0.25,
            "faces Rank-1": 0.5,
            "faces TMR@FMR=0.01": "failed: too few",
            "attacks D-EER": 0.1,
        },
        B: {"faces Rank-1": 0.333333, "general GELO": 0.8},
    }


def test_the_table_has_a_column_for_each_and_nothing_where_one_failed(tmp_path):
    _, text = summarise(tmp_path, rows())
    lines = list(csv.DictReader(text.splitlines()))
    assert [line["model"] for line in lines] == [A, B]
    assert [line["faces Rank-1"] for line in lines] == ["0.5", "0.333333"]
    assert [line["objects top-1"] for line in lines] == ["0.25", ""]
    assert [line["faces TMR@FMR=0.01"] for line in lines] == ["", ""]  # none, but the column stays


def test_a_study_without_models_of_its_own_has_none(tmp_path):
    numbers, text = summarise(tmp_path, [])
    assert numbers == {}
    assert text == "model\n"


def test_what_dvc_plots_is_measured_by_the_default_study():
    declared = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    assert "stages" not in declared
    text = (ROOT / "config.yaml").read_text()
    study = parse_study(load_yaml(text, "config.yaml"), "config.yaml", text)
    for plot in declared["plots"]:
        ((_, how),) = plot.items()
        ((file, column),) = how["x"].items()
        dataset, metric = column.split(" ")
        assert file == "results/headline.csv"
        assert dataset in study.evaluation.datasets
        assert metric == ("top-1" if study.datasets[dataset].domain == "object" else "Rank-1")


@pytest.mark.slow
def test_dvc_tells_what_changed_between_two_commits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def dvc(*arguments):
        return json.loads(call(sys.executable, "-m", "dvc", *arguments, "--json"))

    for name in (".gitignore", ".dvcignore", "dvc.yaml"):
        shutil.copy2(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / ".dvc", tmp_path / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache"))
    call("git", "init", "--quiet")
    call("git", "config", "user.email", "tester@example.org")
    call("git", "config", "user.name", "Tester")
    for rank in (0.5, 0.75):
        summarise(tmp_path, rows(rank))
        # Nothing but what the rules of Git let in.
        call("git", "add", "--all")
        call("git", "commit", "--quiet", "--message", "x")
    assert "results/headline.json" in call("git", "ls-files")
    # Another study that was run leaves nothing behind, until its numbers are added.
    mine = tmp_path / "results/headline-mine.json"
    for text in ('{"a": 1}', '{"a": 3}'):
        mine.write_text(text)
        assert (call("git", "status", "--porcelain") == "") == (text == '{"a": 1}')
        call("git", "add", "--force", str(mine))
        call("git", "commit", "--quiet", "--message", "mine")
    found = dvc("metrics", "diff", "HEAD~1", "--targets", "results/headline-mine.json")
    assert found == {"results/headline-mine.json": {"a": {"old": 1, "new": 3, "diff": 2}}}
    call("git", "reset", "--hard", "--quiet", "HEAD~2")
    found = dvc("metrics", "diff", "HEAD~1", "HEAD")["results/headline.json"]
    (changed,) = found.values()
    assert list(found) == [f"{A}.faces Rank-1"]
    assert changed == {"old": 0.5, "new": 0.75, "diff": 0.25}
    # The other plots are of data sets that these results have not.
    (plot,) = dvc("plots", "diff", "HEAD~1", "HEAD")["data"]["Good faces, Rank-1"]
    points = plot["content"]["data"]["values"]
    assert {(p["rev"], p["model"]): p["faces Rank-1"] for p in points} == {
        ("HEAD~1", A): "0.5", ("HEAD", A): "0.75", ("HEAD~1", B): "0.333333", ("HEAD", B): "0.333333",
    }  # fmt: skip

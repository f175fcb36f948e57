"""The commands of the report: what they refuse, and that they start without torch."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from unispace.commands import draw_contact_sheet, draw_figure, render_report
from unispace.errors import UserError
from unispace.evaluation import human
from unispace.records.audit import SCHEMA as AUDIT
from unispace.records.humans import COMPARISON_SCHEMA
from unispace.records.results import CURVE_SCHEMA, SCHEMA
from unispace.records.tables import write_table

HUMANS = Path(human.__file__).with_name("human.csv")


def call(command, *arguments):
    parser = argparse.ArgumentParser()
    command.configure(parser)
    command.run(parser.parse_args([str(argument) for argument in arguments]))


@pytest.fixture
def empty(tmp_path):
    write_table(SCHEMA.empty_table().to_pandas(), SCHEMA, tmp_path / "results.parquet")
    write_table(CURVE_SCHEMA.empty_table().to_pandas(), CURVE_SCHEMA, tmp_path / "curves.parquet")
    write_table(AUDIT.empty_table().to_pandas(), AUDIT, tmp_path / "audit.parquet")
    people = COMPARISON_SCHEMA.empty_table().to_pandas()
    write_table(people, COMPARISON_SCHEMA, tmp_path / "people.parquet")
    (tmp_path / "plain.mplstyle").write_text("font.size: 9\n")
    return tmp_path


def figure(folder, name, *tables, style="plain.mplstyle", **settings):
    call(
        draw_figure,
        *("--settings", json.dumps({"figure": name, "domains": {}, **settings})),
        *("--tables", *(folder / t for t in tables), "--style", folder / style),
        *("--svg", folder / "f.svg", "--png", folder / "f.png", "--csv", folder / "f.csv"),
    )


@pytest.mark.parametrize(
    "name",
    ["tasks", "cmc", "roc", "maps", "maps_families", "maps_cmc", "maps_roc", "planted"],
)
def test_empty_tables_give_a_figure_that_says_so(empty, name):
    tables = ["results"] if name in ("tasks", "maps", "maps_families", "planted") else ["curves"]
    tables += ["results"] if name in ("roc", "maps_cmc", "maps_roc") else []
    figure(empty, name, *(f"{t}.parquet" for t in tables))
    assert (empty / "f.svg").stat().st_size > 1000
    assert pd.read_csv(empty / "f.csv").empty


def test_unknown_figure_is_refused_with_a_suggestion(empty):
    with pytest.raises(UserError, match="did you mean `tasks`"):
        figure(empty, "task", "results.parquet")


def test_wrong_number_of_tables_is_refused(empty):
    with pytest.raises(UserError, match="drawn from 2 tables, got 1"):
        figure(empty, "roc", "curves.parquet")


def test_histories_need_names(empty):
    with pytest.raises(UserError, match="1 tables and 0 names"):
        figure(empty, "losses", "curves.parquet")


def test_wrong_table_is_refused(empty):
    with pytest.raises(UserError, match=r"curves\.parquet: column"):
        figure(empty, "tasks", "curves.parquet")


def test_missing_style_is_refused(empty):
    with pytest.raises(UserError, match="no such style file"):
        figure(empty, "tasks", "results.parquet", style="other.mplstyle")


def test_sheet_of_missing_data_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"manifest\.parquet: not there"):
        call(
            draw_contact_sheet,
            *("--settings", '{"labels":1,"images":1}', "--data", tmp_path),
            *("--image", tmp_path / "s.png", "--table", tmp_path / "s.csv"),
        )


def test_page_without_a_figure_is_refused(empty):
    study = {
        "study": "s",
        "datasets": {"d": {"domain": "object", "source": {"kind": "folder", "path": "p"}}},
        "backbones": {
            "b": {"architecture": "eva02_tiny_patch14_224", "weights": {"kind": "random"}}
        },
        "curricula": {"base": {}},
        "evaluation": {"datasets": ["d"]},
    }
    settings = {"study": study, "models": [], "datasets": [], "figures": ["tasks"]}
    settings |= {"methods": [], "families": [], "drawn_from": {}, "code": ""}
    manifest, card = empty / "d" / "manifest.parquet", empty / "model.json"
    from unispace.records.manifest import SCHEMA as MANIFEST

    write_table(MANIFEST.empty_table().to_pandas(), MANIFEST, manifest)
    card.write_text("{}")

    def render(**changed):
        call(
            render_report,
            *("--settings", json.dumps({**settings, **changed}), "--templates", "workflow/report"),
            *("--results", empty / "results.parquet", "--figures", empty / "figures"),
            *("--audit", empty / "audit.parquet"),
            *("--people", empty / "people.parquet", "--humans", HUMANS),
            *("--manifests", manifest, "--cards", card, "--page", empty / "index.html"),
        )

    with pytest.raises(UserError, match=r"tasks\.svg: not there"):
        render()
    with pytest.raises(UserError, match="card of `b/base/seed0`"):
        render(models=["b/base/seed0"])


def test_commands_start_without_torch_timm_and_sklearn():
    program = (
        "import sys\n"
        "from unispace.commands import draw_contact_sheet, draw_figure, render_report\n"
        "print({'torch', 'timm', 'sklearn'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "set()"

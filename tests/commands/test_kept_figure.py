"""A figure is drawn again only where its rows, its settings or its style have changed."""

import argparse
import json

import pytest

from unispace.commands import draw_figure
from unispace.records.results import SCHEMA
from unispace.records.tables import write_table
from unispace.reporting.figures import registry

STYLE = "font.size: 9\nsvg.hashsalt: one\n"


@pytest.fixture
def draw(tmp_path, monkeypatch):
    """Draws `separability` from rows and gives how often it was really drawn, and its files."""
    drawn = []
    kind = registry.FIGURES["separability"]
    counting = argparse.Namespace(draw=lambda *a: drawn.append(1) or kind.draw(*a))
    told = {name: getattr(kind, name) for name in ("schemas", "schemas_of", "rows_of", "many")}
    monkeypatch.setitem(
        draw_figure.FIGURES, "separability", argparse.Namespace(draw=counting.draw, **told)
    )

    def run(rows, style=STYLE, domains=None):
        frame = SCHEMA.empty_table().to_pandas()
        for row in rows:
            frame.loc[len(frame)] = row
        write_table(frame.astype({"n": "int64"}), SCHEMA, tmp_path / "results.parquet")
        (tmp_path / "style").write_text(style)
        settings = {"figure": "separability", "domains": domains or {}}
        line = ["--settings", json.dumps(settings), "--tables", str(tmp_path / "results.parquet")]
        line += ["--style", str(tmp_path / "style"), "--kept", str(tmp_path / "kept" / "one")]
        files = [tmp_path / f"figure.{ending}" for ending in ("svg", "png", "csv")]
        for file in files:
            line += [f"--{file.suffix[1:]}", str(file)]
            file.unlink(missing_ok=True)
        parser = argparse.ArgumentParser()
        draw_figure.configure(parser)
        draw_figure.run(parser.parse_args(line))
        return len(drawn), [file.read_bytes() for file in files]

    return run


def row(experiment="separability", value=0.5):
    told = dict.fromkeys(SCHEMA.names)
    told |= {"study": "s", "experiment": experiment, "model": "a/base/seed0", "dataset": "x+y"}
    told |= {"protocol": "linear", "metric": "accuracy", "value": value, "lower": 0.1, "upper": 0.9}
    return told | {
        "chance": 0.5,
        "n": 4,
        "unit": "identity",
        "seed": 1,
        "status": "ok",
        "origin": "o",
    }


def test_a_figure_is_drawn_again_where_what_it_shows_has_changed(draw, tmp_path):
    count, files = draw([row()])
    assert count == 1
    # Rows of something else come and go.
    assert draw([row("verification", 0.7), row()]) == (1, files)
    count, others = draw([row(value=0.6)])
    assert count == 2
    assert others != files
    assert draw([row()])[0] == 3
    assert draw([row()], style="font.size: 12\n")[0] == 4
    assert draw([row()], style="font.size: 12\n", domains={"x": "object"})[0] == 5


def test_a_damaged_figure_is_drawn_again(draw, tmp_path):
    _, files = draw([row()])
    kept = tmp_path / "kept" / "one"
    kept.write_bytes(kept.read_bytes()[:-1])
    assert draw([row()]) == (2, files)

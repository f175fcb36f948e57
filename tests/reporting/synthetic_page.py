"""Figures and page of a study on disk, through the commands that rules call."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from PIL import Image
from synthetic_disk import HUMANS, REPORT, Disk

from unispace.commands import draw_contact_sheet, render_report
from unispace.commands import draw_figure as draw_figure_command


def call(command, *arguments) -> None:
    """Run a command with the arguments that a rule would give it."""
    parser = argparse.ArgumentParser()
    command.configure(parser)
    command.run(parser.parse_args([str(argument) for argument in arguments]))


def draw_figure(disk: Disk, name: str, folder: Path) -> None:
    call(
        draw_figure_command,
        *("--settings", json.dumps(disk.plan(name)), "--style", REPORT / "style.mplstyle"),
        *("--tables", *disk.drawn_from()[name]),
        *(x for kind in ("svg", "png", "csv") for x in (f"--{kind}", folder / f"{name}.{kind}")),
    )


def draw_sheet(disk: Disk, dataset: str, folder: Path) -> None:
    call(
        draw_contact_sheet,
        *("--settings", '{"labels":3,"images":4}', "--data", disk.data(dataset)),
        *("--image", folder / f"sheet_{dataset}.png", "--table", folder / f"sheet_{dataset}.csv"),
    )


def render_page(disk: Disk, page: Path | None = None) -> str:
    page = page or disk.page
    call(
        render_report,
        *("--settings", disk.page_settings(), "--templates", REPORT, "--results", disk.results),
        *("--people", disk.people, "--humans", HUMANS),
        *("--audit", disk.audit, "--figures", disk.figures, "--page", page),
        *("--manifests", *(disk.data(d) / "manifest.parquet" for d in disk.study.datasets)),
        *("--cards", *(disk.checkpoint(m) / "model.json" for m in disk.study.models())),
        *("--accepted", *sorted(disk.folder.glob("accepted*.csv"))),
    )
    return page.read_text("utf-8")


def stub_pictures(disk: Disk) -> None:
    """Files in the places of the pictures, where a test is about the page around them."""
    disk.figures.mkdir(parents=True, exist_ok=True)
    for name in disk.drawn_from():
        (disk.figures / f"{name}.svg").write_text('<svg viewBox="0 0 30 20"></svg>', "utf-8")
        (disk.figures / f"{name}.csv").write_text("value\n", "utf-8")
    for dataset in disk.study.datasets:
        Image.new("RGB", (3, 2)).save(disk.figures / f"sheet_{dataset}.png")


def draw_all(disk: Disk) -> None:
    """All pictures of a study's page."""
    for name in disk.drawn_from():
        draw_figure(disk, name, disk.figures)
    for dataset in disk.study.datasets:
        draw_sheet(disk, dataset, disk.figures)

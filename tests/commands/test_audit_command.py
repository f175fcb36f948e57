"""`unispace audit-data`: what it writes, what it refuses, and what it does without."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from unispace.__main__ import main
from unispace.records.audit import SCHEMA
from unispace.records.images import write_raw
from unispace.records.left_out import LeftOut, write_left_out
from unispace.records.manifest import write_manifest
from unispace.records.tables import read_table


@pytest.fixture
def audit(tmp_path, monkeypatch):
    """Run the command on one data set of two persons; returns its exit code."""

    def run(splits=("train", "train", "test", "test"), allow=(), without=()):
        names = ["ann", "ann", "bob", "bob"]
        manifest = pd.DataFrame(
            {
                "image_id": [f"{k}.png" for k in range(4)],
                "row": range(4),
                "domain": "face_hq",
                "label": names,
                "identity": names,
                "split": splits,
                "source": "x",
            }
        )
        write_manifest(manifest, tmp_path / "faces/manifest.parquet")
        images = np.random.default_rng(0).integers(0, 256, (4, 40, 40, 3), dtype=np.uint8)
        write_raw([images], 4, 40, tmp_path / "faces/images.npy")
        write_left_out(LeftOut(4, ()), tmp_path / "faces/left_out.json")
        settings = {
            "datasets": ["faces"],
            "families": {"faces": "folder x"},
            "trained": ["faces"],
            "tested": ["faces"],
            "split": "test",
            "allow": allow,
            "without_images": without,
        }
        for name in without:
            (tmp_path / name).mkdir()
            for file in ("manifest.parquet", "left_out.json"):
                (tmp_path / name / file).write_bytes((tmp_path / "faces" / file).read_bytes())
            settings["datasets"].append(name)
            settings["families"][name] = f"index {name}"
            settings["tested"].append(name)
        arguments = ["--settings", json.dumps(settings), "--data", str(tmp_path)]
        arguments += ["--table", str(tmp_path / "t.parquet"), "--summary", str(tmp_path / "s.json")]
        monkeypatch.setattr(sys, "argv", ["unispace", "audit-data", *arguments])
        return main()

    return run


def test_it_writes_a_table_and_a_summary(audit, tmp_path):
    assert audit() == 0
    table = read_table(tmp_path / "t.parquet", SCHEMA)
    assert set(table["severity"]) == {"ok"}
    summary = json.loads((tmp_path / "s.json").read_text())
    assert summary["datasets"]["faces"]["images"] == {"train": 2, "test": 2}
    assert summary["leaks"] == []


def test_a_list_without_images_is_counted_and_its_pictures_are_not(audit, tmp_path):
    assert audit(without=["listed"]) == 0
    table = read_table(tmp_path / "t.parquet", SCHEMA)
    checks = {name: set(rows["check"]) for name, rows in table.groupby("dataset")}
    pictures = {"width", "height", "exact-duplicates", "near-duplicates"}
    assert pictures <= checks["faces"]
    assert not pictures & checks["listed"]
    assert checks["listed"] >= {"images", "labels", "images-per-label"}
    sizes = table[(table["dataset"] == "faces") & (table["check"] == "width")]
    assert sizes["count"].tolist() == [40, 40, 40]


def test_identities_without_images_leak_too(audit, capsys):
    assert audit(splits=("train", "test", "test", "test"), without=["listed"]) == 1
    told = capsys.readouterr().err
    assert "1 identities of listed/train stand in listed/test too: ann" in told


def test_a_leak_is_one_message_and_leaves_no_file(audit, tmp_path, capsys):
    assert audit(splits=("train", "test", "test", "test")) == 1
    told = capsys.readouterr().err
    assert "1 identities of faces/train stand in faces/test too: ann" in told
    assert "Traceback" not in told
    assert not (tmp_path / "t.parquet").exists()
    assert not (tmp_path / "s.json").exists()


def test_a_leak_that_is_let_pass_is_written(audit, tmp_path):
    assert audit(splits=("train", "test", "test", "test"), allow=["identities:faces:faces"]) == 0
    assert json.loads((tmp_path / "s.json").read_text())["leaks"][0]["identities"] == ["ann"]


def test_the_command_starts_without_torch():
    program = (
        "import sys\n"
        "from unispace.commands import audit_data\n"
        "print({'torch', 'timm', 'sklearn', 'scipy'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "set()"

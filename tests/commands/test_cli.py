"""`unispace COMMAND`: what it lists, what it suggests, and how it fails."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import unispace.__main__ as unispace_main
from unispace.__main__ import command_names, main
from unispace.commands.common.run import run_command
from unispace.errors import UserError
from unispace.records.files import read_json
from unispace.records.manifest import read_manifest

WORKFLOW = Path(__file__).resolve().parents[2] / "workflow"


def unispace(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "unispace", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(WORKFLOW)},
    )


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_without_a_command_all_are_listed(arguments):
    done = unispace(*arguments)
    assert done.returncode == 0
    files = {p.stem for p in (WORKFLOW / "unispace" / "commands").glob("*.py")} - {"__init__"}
    listed = done.stdout.split("commands:\n")[1].split("\n\n")[0].split()
    assert listed == sorted(name.replace("_", "-") for name in files)


@pytest.mark.parametrize(
    ("typed", "suggested"), [("prepare-dta", "prepare-data"), ("fit_maps", "fit-maps")]
)
def test_an_unknown_command_suggests_the_nearest(typed, suggested):
    done = unispace(typed)
    assert done.returncode == 2
    assert done.stderr.startswith(f"unispace: no command `{typed}`; did you mean `{suggested}`")
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [[], ["show-times", "--help"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_who_stops_reading_is_not_told_of_it(arguments, unbuffered):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "unispace", *arguments],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(WORKFLOW), "PYTHONUNBUFFERED": unbuffered},
    )
    os.close(writer)
    assert done.stderr == ""
    # Unbuffered, argparse lets go of its help by itself.
    assert done.returncode in ((0, 141) if "--help" in arguments else (141,))


def test_another_pipe_that_breaks_is_an_error(monkeypatch):
    def broken():
        raise BrokenPipeError("of a server")

    monkeypatch.setattr(unispace_main, "_command", broken)
    with pytest.raises(BrokenPipeError, match="of a server"):
        main()


@pytest.mark.parametrize("name", command_names())
def test_every_command_explains_itself(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["unispace", name, "--help"])
    with pytest.raises(SystemExit, match="0"):
        main()
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: unispace {name} ")
    assert len(shown.split("\n\n")[1]) > 20


def test_a_missing_argument_is_named(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["unispace", "prepare-data"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "the following arguments are required: --settings" in capsys.readouterr().err


def failing(error):
    def run(_arguments):
        raise error

    return run


def test_what_the_user_can_mend_is_one_message_without_traceback(capsys):
    code = run_command("x", lambda _: None, failing(UserError("faces: gone\n  put it back")), [])
    shown = capsys.readouterr().err
    assert code == 1
    assert shown.endswith(" ERROR   faces: gone\n  put it back\n")
    assert shown.count("faces: gone") == 1
    assert "Traceback" not in shown
    assert "done in" not in shown


def test_what_nobody_expected_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError, match="by zero"):
        run_command("x", lambda _: None, failing(ZeroDivisionError("by zero")), [])


def test_a_finished_command_says_how_long_it_took(capsys):
    code = run_command("x", lambda _: None, lambda _: None, [])
    assert code == 0
    assert "INFO    done in 0.0 s" in capsys.readouterr().err


def test_a_user_error_of_a_job_ends_it_with_code_1(tmp_path):
    settings = json.dumps({"path": "gone.zip", "sha256": "0" * 64})
    done = unispace(
        "fetch-archive", "--settings", settings, "--archive", "a.zip", "--record", "r", cwd=tmp_path
    )
    assert done.returncode == 1
    assert "ERROR   a.zip: `gone.zip` was not found. Looked for\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_of_the_program_ends_it_with_its_traceback(tmp_path):
    done = unispace(
        "fetch-archive", "--settings", "{", "--archive", "a", "--record", "r", cwd=tmp_path
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "JSONDecodeError" in done.stderr


def test_an_archive_is_fetched_with_its_record(tmp_path, monkeypatch):
    (tmp_path / "in.zip").write_bytes(b"content")
    checksum = hashlib.sha256(b"content").hexdigest()
    settings = json.dumps({"path": str(tmp_path / "in.zip"), "sha256": checksum})
    archive, record = tmp_path / "raw" / "a.zip", tmp_path / "raw" / "a.zip.json"
    arguments = ["--settings", settings, "--archive", str(archive), "--record", str(record)]
    monkeypatch.setattr(sys, "argv", ["unispace", "fetch-archive", *arguments])
    assert main() == 0
    assert archive.read_bytes() == b"content"
    assert read_json(record) == {"file": "a.zip", "sha256": checksum, "bytes": 7}


def test_a_registered_set_is_fetched_from_a_mirror_with_its_record(tmp_path, monkeypatch):
    (tmp_path / "mirror").mkdir()
    with zipfile.ZipFile(tmp_path / "mirror" / "cfp-dataset.zip", "w") as archive:
        archive.writestr("cfp-dataset/Data/Images/001/frontal/01.jpg", b"image")
    content = (tmp_path / "mirror" / "cfp-dataset.zip").read_bytes()
    archive, record = tmp_path / "raw" / "a.zip", tmp_path / "raw" / "a.zip.json"
    arguments = ["--settings", json.dumps({"name": "cfp", "sha256": None})]
    arguments += ["--file", "cfp-dataset.zip", "--mirror", str(tmp_path / "mirror")]
    arguments += ["--archive", str(archive), "--record", str(record)]
    monkeypatch.setattr(sys, "argv", ["unispace", "fetch-registered", *arguments])
    assert main() == 0
    assert archive.read_bytes() == content
    assert read_json(record)["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_rendered_set_is_prepared_and_counted(tmp_path, monkeypatch, capsys):
    source = {"kind": "studio", "labels": 6, "images_per_label": 2, "size": 16}
    settings = {"name": "f", "seed": 1, "dataset": {"domain": "face_hq", "source": source}}
    arguments = ["--settings", json.dumps(settings)]
    arguments += ["--output", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["unispace", "prepare-data", *arguments])
    assert main() == 0
    manifest = read_manifest(tmp_path / "out/manifest.parquet")
    assert len(manifest) == 12
    shown = capsys.readouterr().err
    for split, rows in manifest.groupby("split"):
        assert [split, str(len(rows)), str(rows["label"].nunique())] in [
            line.split() for line in shown.splitlines()
        ]


def test_listing_commands_does_not_wait_for_torch():
    report = "import sys, unispace.__main__ as m; m.command_names(); print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"

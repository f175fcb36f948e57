"""From Snakemake's record to lines in Git and back, only where the bytes are the published ones."""

import hashlib
import json
import os
import shutil

import pytest

from unispace.errors import UserError
from unispace.records.pointer import begin_pointer, read_pointer
from unispace.records.provenance import read_provenance, write_provenance
from unispace.records.provenance_export import export_jobs
from unispace.records.provenance_restore import restore_jobs, unrecorded_jobs
from unispace.records.provenance_verify import verify_folder
from unispace.records.snakemake_metadata import (
    is_incomplete,
    mark_incomplete,
    read_metadata,
    write_metadata,
)

ONE, TWO = "data/s/faces/images.npy", "data/s/faces/manifest.parquet"
SINGLE = "data/s/bodies/images.npy"
FOLDER = "data/s"


def make(root, output, content, **changes):
    """An output with the record that a job leaves."""
    file = root / output
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    record = {
        "rule": "prepare_data",
        "input": ["code.py", "code.py", "folder"],
        "input_checksums": {"code.py": "sha256:12"},
        "log": [f"/abs/{output}.log"],
        "params": ["'{\"seed\":1}'"],
        "code": "run {output}",
        "shellcmd": "run",
        "record_format_version": 6,
        "conda_env": "AAAA",
        "container_img_url": None,
        "software_stack_hash": "d4",
        "job_hash": hash(output),
        "starttime": 1.0,
        "endtime": file.stat().st_mtime,
        "incomplete": False,
        "external_jobid": None,
    }
    write_metadata(root, output, {**record, **changes})


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    make(root, ONE, b"one")
    make(root, TWO, b"two")
    make(root, SINGLE, b"single", params=["'{\"seed\":2}'"])
    return root


@pytest.fixture
def jobs(project):
    return export_jobs(project, [FOLDER])


@pytest.fixture
def clone(project, jobs, tmp_path):
    """The bytes without Snakemake's folder."""
    ignored = shutil.ignore_patterns(".snakemake")
    shutil.copytree(project, tmp_path / "clone", ignore=ignored, copy_function=shutil.copyfile)
    return tmp_path / "clone"


def test_the_outputs_of_a_job_share_a_line_and_lines_are_sorted(jobs):
    assert [list(job.outputs) for job in jobs] == [[SINGLE], [ONE, TWO]]
    content = jobs[1].outputs[TWO]
    assert content.bytes == 3
    assert content.sha256 == hashlib.sha256(b"two").hexdigest()
    assert jobs[1].inputs == (("code.py", "sha256:12"), ("code.py", "sha256:12"), ("folder", None))


def test_a_line_holds_nothing_that_differs_between_equal_runs(project, jobs, tmp_path):
    again = tmp_path / "again"
    make(again, SINGLE, b"single", params=["'{\"seed\":2}'"], starttime=2.0, conda_env=None)
    make(again, TWO, b"two", job_hash=5)
    make(again, ONE, b"one", log=[])
    write_provenance(tmp_path / "a", jobs)
    write_provenance(tmp_path / "b", export_jobs(again, [FOLDER]))
    text = (tmp_path / "a").read_text()
    assert text == (tmp_path / "b").read_text()
    assert text.count("\n") == 2
    assert "/abs" not in text
    assert read_provenance(tmp_path / "a") == jobs


def test_what_snakemake_compares_comes_back(project, clone, jobs):
    result = restore_jobs(clone, jobs)
    assert sorted(result.restored) == sorted([ONE, TWO, SINGLE])
    for output in (ONE, TWO, SINGLE):
        before, after = read_metadata(project, output), read_metadata(clone, output)
        assert before
        assert after
        for key in ("rule", "input", "input_checksums", "params", "code", "shellcmd",
                    "record_format_version", "software_stack_hash", "incomplete"):  # fmt: skip
            assert after[key] == before[key], key
        assert after["endtime"] == (clone / output).stat().st_mtime
    assert export_jobs(clone, [FOLDER]) == jobs
    assert unrecorded_jobs(clone, jobs) == []


def test_a_record_of_another_branch_is_overwritten(clone, jobs):
    make(clone, ONE, b"one", params=["'other'"])
    make(clone, TWO, b"two", params=["'other'"])
    restore_jobs(clone, jobs)
    record = read_metadata(clone, ONE)
    assert record
    assert record["params"] == ["'{\"seed\":1}'"]


@pytest.mark.parametrize("content", [b"onf", b"one longer", b""])
def test_other_bytes_get_no_record_and_are_made_anew(clone, jobs, content):
    (clone / ONE).write_bytes(content)
    result = restore_jobs(clone, jobs)
    assert result.damaged == [ONE]
    assert result.restored == [SINGLE]
    # Not its sister either: the records of one job must agree.
    assert read_metadata(clone, ONE) is None
    assert read_metadata(clone, TWO) is None
    assert is_incomplete(clone, ONE)
    assert not is_incomplete(clone, TWO)
    assert ONE in result.text()


def test_a_restored_file_that_is_written_to_later_is_damaged(clone, jobs):
    restore_jobs(clone, jobs)
    (clone / ONE).write_bytes(b"onf")
    os.utime(clone / ONE, (5, 5))
    assert restore_jobs(clone, jobs).damaged == [ONE]


def test_outputs_of_a_run_here_keep_their_record(clone, jobs):
    make(clone, ONE, b"mine", params=["'mine'"])
    make(clone, TWO, b"two", params=["'mine'"])
    result = restore_jobs(clone, jobs)
    assert (result.own, result.damaged, result.restored) == ([ONE], [], [SINGLE])
    for output in (ONE, TWO):
        record = read_metadata(clone, output)
        assert record
        assert record["params"] == ["'mine'"]


def test_absent_outputs_are_told_and_get_no_record(clone, jobs):
    (clone / TWO).unlink()
    (clone / SINGLE).unlink()
    result = restore_jobs(clone, jobs)
    assert sorted(result.absent) == sorted([TWO, SINGLE])
    assert result.restored == [ONE]
    assert read_metadata(clone, SINGLE) is None


def test_a_job_without_record_is_found_by_any_output_that_is_here(clone, jobs):
    assert unrecorded_jobs(clone, jobs) == jobs
    (clone / SINGLE).unlink()
    make(clone, ONE, b"one")
    assert [list(job.outputs) for job in unrecorded_jobs(clone, jobs)] == [[ONE, TWO]]
    make(clone, TWO, b"two")
    assert unrecorded_jobs(clone, jobs) == []


def test_a_verified_file_is_no_longer_unfinished(clone, jobs):
    mark_incomplete(clone, ONE)
    restore_jobs(clone, jobs)
    assert not is_incomplete(clone, ONE)


def test_unfinished_outputs_are_not_exported(project):
    mark_incomplete(project, ONE)
    with pytest.raises(UserError, match=f"unfinished; run snakemake again:\n +{ONE}"):
        export_jobs(project, [FOLDER])


def test_files_without_a_record_are_not_exported_and_hidden_ones_are_not_looked_at(project):
    (project / "data/s/faces/.part").write_bytes(b"half")
    assert len(export_jobs(project, [FOLDER])) == 2
    (project / "data/s/faces/mine.txt").write_bytes(b"mine")
    with pytest.raises(UserError, match=r"not made by Snakemake here.*\n +data/s/faces/mine.txt"):
        export_jobs(project, [FOLDER])


@pytest.mark.parametrize("path", ["/home/me/x.tar", "../x.tar"])
def test_an_input_outside_the_project_is_refused(project, path):
    make(project, SINGLE, b"single", input=[path])
    with pytest.raises(UserError, match=f"{SINGLE}: .*`{path}` leads out of the project"):
        export_jobs(project, [FOLDER])


def test_a_checksum_that_snakemake_did_not_note_is_taken_from_what_the_job_read(project):
    read = project / "read.csv"
    read.write_bytes(b"read")
    began = read.stat().st_mtime + 1
    sums = {"code.py": "sha256:12"}
    make(
        project, SINGLE, b"s", input=["code.py", "read.csv"], input_checksums=sums, starttime=began
    )
    (job,) = export_jobs(project, [SINGLE])
    digest = hashlib.sha256(b"read").hexdigest()
    assert [list(i) for i in job.inputs] == [
        ["code.py", "sha256:12"],
        ["read.csv", f"sha256:{digest}"],
    ]
    # Changed since the job began: nobody knows what it has read.
    make(
        project,
        SINGLE,
        b"s",
        input=["code.py", "read.csv"],
        input_checksums=sums,
        starttime=began - 2,
    )
    (job,) = export_jobs(project, [SINGLE])
    assert [list(i) for i in job.inputs][1] == ["read.csv", None]


def test_folders_are_exported_apart(project):
    make(project, "checkpoints/s/m/model.safetensors", b"w")
    assert [list(j.outputs) for j in export_jobs(project, ["checkpoints/s"])] == [
        ["checkpoints/s/m/model.safetensors"]
    ]
    # A file by itself is its job's, and one that is not there is nobody's.
    single = next(iter(export_jobs(project, ["checkpoints/s"])[0].outputs))
    assert [list(j.outputs) for j in export_jobs(project, [single, "checkpoints/t"])] == [[single]]
    assert export_jobs(project, ["data/other"]) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda line: line[:-5], ":1: Invalid JSON"),
        (lambda line: line.replace('"rule"', '"role"'), ":1: "),
        (lambda line: line.replace(SINGLE, "/etc/x"), ":1: outputs.*leads out of the project"),
        (lambda line: line.replace('"bytes":6', '"bytes":-6'), ":1: outputs.*greater than"),
    ],
)
def test_a_line_that_is_none_of_ours_is_named(tmp_path, jobs, change, message):
    path = tmp_path / "provenance.jsonl"
    write_provenance(path, jobs[:1])
    path.write_text(change(path.read_text()))
    with pytest.raises(UserError, match=rf"provenance.jsonl{message}.*git checkout"):
        read_provenance(path)


def test_a_missing_record_is_said_in_words(tmp_path):
    with pytest.raises(UserError, match="not there; nothing of this study was published here"):
        read_provenance(tmp_path / "provenance.jsonl")


def test_the_verdict_names_every_file_that_is_not_as_published(clone, jobs):
    verdict = verify_folder(clone, jobs, FOLDER)
    assert verdict.holds
    assert verdict.text() == "data/s: all 3 files have the published bytes"
    (clone / ONE).write_bytes(b"onf")
    (clone / TWO).unlink()
    (clone / "data/s/new").write_bytes(b"")
    verdict = verify_folder(clone, jobs, FOLDER)
    assert (verdict.equal, verdict.different) == ((SINGLE,), (ONE,))
    assert (verdict.absent, verdict.unpublished) == ((TWO,), ("data/s/new",))
    assert not verdict.holds


def test_the_verdict_is_about_one_folder(clone, jobs):
    make(clone, "data/s2/x", b"x")
    assert verify_folder(clone, jobs, FOLDER).holds
    assert not verify_folder(clone, jobs, "data/s2").holds


def test_many_files_are_not_all_listed(clone, jobs):
    for i in range(30):
        (clone / f"data/s/{i:02d}").write_bytes(b"")
    text = verify_folder(clone, jobs, FOLDER).text()
    assert text.count("data/s/") == 10
    assert "and 20 more" in text


def test_a_pointer_is_begun_once_and_read_when_dvc_has_written_it(tmp_path):
    path = tmp_path / "data.dvc"
    with pytest.raises(UserError, match=r"data\.dvc: not there"):
        read_pointer(path)
    begin_pointer(path, "data/s")
    with pytest.raises(UserError, match="does not point to one folder that DVC has committed"):
        read_pointer(path)
    out = {"path": "data/s", "md5": "1.dir", "size": 12, "nfiles": 3, "hash": "md5"}
    path.write_text(json.dumps({"outs": [out]}))
    begin_pointer(path, "data/s")
    pointer = read_pointer(path)
    assert (pointer.folder, pointer.bytes, pointer.files) == ("data/s", 12, 3)

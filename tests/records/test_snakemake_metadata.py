"""Records of outputs, as Snakemake itself writes and finds them."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from snakemake.persistence import MetadataRecord
from snakemake.persistence.file import FilePersistence

from unispace.errors import UserError
from unispace.records.snakemake_metadata import (
    is_incomplete,
    is_recorded,
    made_here,
    mark_incomplete,
    metadata_path,
    read_metadata,
    refuse_while_running,
    write_metadata,
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="module")
def persistence(root):
    return FilePersistence(path=root / ".snakemake")


PATHS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=700)  # fmt: skip


@given(PATHS)
def test_a_record_lies_where_snakemake_looks_for_it(root, persistence, path):
    ours = metadata_path(root, path)
    assert str(ours) == persistence._record_path(str(root / ".snakemake" / "metadata"), path)


@pytest.mark.parametrize("length", [1, 190, 191, 192, 600])
def test_records_go_both_ways(root, persistence, length):
    path = "x" * length
    assert read_metadata(root, path) is None
    assert not is_recorded(root, path)
    record = {"rule": "r", "input": ["a"], "params": ["'p'"], "input_checksums": {"a": "sha256:1"}}
    write_metadata(root, path, record)
    assert is_recorded(root, path)
    found = persistence._read_record(path)
    assert (found.rule, found.input, found.params) == ("r", ["a"], ["'p'"])
    assert found.input_checksums == {"a": "sha256:1"}
    other = MetadataRecord(rule="s", input=["b"])
    persistence._write_record(path, other)
    assert read_metadata(root, path) == dict(other.items())


def test_an_incomplete_output_is_one_to_snakemake_too(root, persistence):
    path = "data/" + "y" * 300
    assert not is_incomplete(root, path)
    mark_incomplete(root, path)
    assert is_incomplete(root, path)
    persistence._clear_cache()
    assert persistence._filter_incomplete_keys([path, "other"]) == {path}
    write_metadata(root, path, {"rule": "r"})
    assert not is_incomplete(root, path)
    persistence._clear_cache()
    assert persistence._filter_incomplete_keys([path]) == set()


def test_an_output_is_as_it_was_left_until_it_is_written_to(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"x")
    assert not made_here(tmp_path, "file")
    write_metadata(tmp_path, "file", {"endtime": file.stat().st_mtime})
    assert made_here(tmp_path, "file")
    os.utime(file, (1, 1))
    assert not made_here(tmp_path, "file")


def test_a_damaged_record_is_named(tmp_path):
    write_metadata(tmp_path, "file", {"rule": "r"})
    metadata_path(tmp_path, "file").write_text("{")
    with pytest.raises(UserError, match=r"record of file is damaged .*; delete file and run snake"):
        read_metadata(tmp_path, "file")


def test_a_running_snakemake_is_left_alone(tmp_path):
    refuse_while_running(tmp_path)
    locks = tmp_path / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    refuse_while_running(tmp_path)
    persistence = FilePersistence(path=tmp_path / ".snakemake")
    persistence._write_locks("output", ["file"])
    # Whether that one is alive, nobody can tell; tests/records/test_run_lock.py has those that can be told.
    with pytest.raises(UserError, match="Snakemake runs here, or a job of it; wait until it has"):
        refuse_while_running(tmp_path)
    persistence._delete_locks()
    refuse_while_running(tmp_path)

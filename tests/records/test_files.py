"""A file is whole or not there."""

import errno
import hashlib
import os
import signal
import stat
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unispace.errors import UserError
from unispace.records.files import read_json, replacing, sha256_of, sha256_of_text, write_json


def write_half(target, failure):
    with replacing(target) as temporary:
        temporary.write_bytes(b"half")
        raise failure


def test_a_new_file_comes_with_its_folders_and_readable_as_any_other(tmp_path):
    target = tmp_path / "a" / "b" / "file"
    with replacing(target) as temporary:
        temporary.write_bytes(b"new")
        assert not target.exists()
        assert temporary.parent == target.parent
    plain = tmp_path / "plain"
    plain.touch()
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("failure", [ValueError("x"), OSError(errno.EACCES, "x"), KeyboardInterrupt()])  # fmt: skip
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, failure):
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with pytest.raises(type(failure)) as caught:
        write_half(target, failure)
    assert caught.value is failure
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_killed_process_left_is_removed_by_the_next_that_writes(tmp_path):
    target = tmp_path / "fi[l]e"
    script = (
        "import os, signal, sys; from pathlib import Path; from unispace.records.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.read_bytes() == b"half"
    other = tmp_path / ".fi[l]e2.x.part"
    other.write_bytes(b"of another file")
    with replacing(target) as temporary:
        assert not left.exists()
        temporary.write_bytes(b"new")
    assert sorted(tmp_path.iterdir()) == sorted([target, other])


def test_two_that_write_the_same_file_leave_each_other_alone(tmp_path):
    target = tmp_path / "file"
    with replacing(target) as first:
        first.write_bytes(b"first")
        with replacing(target) as second:
            assert first.exists()
            second.write_bytes(b"second")
        assert target.read_bytes() == b"second"
    assert target.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_in_words(tmp_path, code):
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with pytest.raises(UserError, match="file: no space left on the disk; free some and run again"):
        write_half(target, OSError(code, os.strerror(code)))
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_disk_that_is_full_before_the_first_byte_is_said_in_words(tmp_path, monkeypatch):
    def full(**_):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr("tempfile.mkstemp", full)
    with pytest.raises(UserError, match="no space left on the disk"), replacing(tmp_path / "file"):
        pytest.fail("no temporary file could be made")


def test_json_comes_back_and_does_not_depend_on_the_order_of_keys(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    write_json(one, {"b": [1.5, None], "a": {"ü": "x"}})
    write_json(other, {"a": {"ü": "x"}, "b": [1.5, None]})
    assert one.read_bytes() == other.read_bytes()
    assert read_json(one) == {"a": {"ü": "x"}, "b": [1.5, None]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "x.json: not there; run snakemake"),
        (b"", r"x.json: damaged \(.*\); delete it"),
        (b'{"a": 1', r"x.json: damaged \(.*\); delete it"),
        (b'{"a": "\xff"}', r"x.json: damaged \(.*\); delete it"),
        (b"[1]", "x.json: holds no JSON object"),
    ],
)
def test_json_that_cannot_be_read_is_said_in_words(tmp_path, content, message):
    file = tmp_path / "x.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_json(file)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_the_checksum_of_a_file_is_sha256_of_its_bytes(tmp_path, size):
    content = bytes(range(251)) * (size // 251 + 1)
    file = tmp_path / "file"
    file.write_bytes(content[:size])
    assert sha256_of(file) == hashlib.sha256(content[:size]).hexdigest()


PARTS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))


@given(PARTS, PARTS)
def test_the_checksum_of_texts_sees_their_borders(one, other):
    same = sha256_of_text(*one) == sha256_of_text(*other)
    assert same == (one == other or {tuple(one), tuple(other)} == {(), ("",)})


def test_the_checksum_of_texts_differs_when_a_border_moves():
    assert sha256_of_text("ab", "c") != sha256_of_text("a", "bc")

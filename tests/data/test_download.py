"""Downloads: cut, resumed, redirected, lied about, and mirrors that hold the wrong file."""

import dataclasses
import hashlib
import io
import logging
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from unispace.data.registry import PublishedFile, lookup
from unispace.data.sources import progress
from unispace.data.sources.checksums import Digests, problem_of
from unispace.data.sources.download import Expected, FetchError, download, part_of
from unispace.data.sources.registered import fetch_registered
from unispace.errors import UserError
from unispace.records.files import read_json
from unispace.records.places import MIRROR, VARIABLE

CONTENT = bytes(range(256)) * 400
SUM = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
KNOWN = Expected((f"sha256:{SUM}",))
HALF = 50_000


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv(MIRROR, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "raw" / "a.tar"


def names(out):
    return sorted(p.name for p in out.parent.iterdir())


def test_a_file_comes_whole_and_leaves_no_part(files, out):
    files.contents["/a.tar"] = CONTENT
    digests = download(f"{files.url}/a.tar", out, Expected((f"md5:{MD5}",), len(CONTENT)))
    assert out.read_bytes() == CONTENT
    assert (digests.sha256, digests.bytes) == (SUM, len(CONTENT))
    assert names(out) == ["a.tar"]


def test_a_cut_connection_goes_on_where_it_was(files, out):
    files.contents["/a.tar"] = CONTENT
    files.cut_after = [HALF, 10_000]
    download(f"{files.url}/a.tar", out, KNOWN)
    assert out.read_bytes() == CONTENT
    assert files.asked == [
        ("/a.tar", "", HALF),
        ("/a.tar", f"bytes={HALF}-", 10_000),
        ("/a.tar", f"bytes={HALF + 10_000}-", len(CONTENT) - HALF - 10_000),
    ]


def test_a_run_that_gave_up_is_continued_by_the_next(files, out):
    url = f"{files.url}/a.tar"
    files.contents["/a.tar"] = CONTENT
    files.cut_after = [HALF, 0, 0, 0]
    with pytest.raises(FetchError, match=r"cut .*; 50,000 bytes have come and are kept: run again"):
        download(url, out, KNOWN)
    assert part_of(url, out).read_bytes() == CONTENT[:HALF]
    files.cut_after = []
    files.asked.clear()
    download(url, out, KNOWN)
    assert files.asked == [("/a.tar", f"bytes={HALF}-", len(CONTENT) - HALF)]
    assert out.read_bytes() == CONTENT
    assert names(out) == ["a.tar"]


KILLED = """
import sys
from pathlib import Path
from unispace.data.sources.download import Expected, download
download(sys.argv[1], Path(sys.argv[2]), Expected((sys.argv[3],)))
"""


def test_a_download_that_is_killed_goes_on_behind_what_has_come(files, out):
    url = f"{files.url}/a.tar"
    content = CONTENT * 20
    known = f"sha256:{hashlib.sha256(content).hexdigest()}"
    files.contents["/a.tar"] = content
    files.hold_after = [len(content) // 2]
    package = str(Path(__file__).resolve().parents[2] / "workflow")
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, url, str(out), known],
        env={**os.environ, "PYTHONPATH": package},
    ) as process:
        part = part_of(url, out)
        while not part.exists() or not part.stat().st_size:
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    files.go_on.set()
    came = part.stat().st_size
    assert 0 < came <= len(content) // 2
    assert not out.exists()
    files.asked.clear()
    download(url, out, Expected((known,)))
    assert files.asked == [("/a.tar", f"bytes={came}-", len(content) - came)]
    assert out.read_bytes() == content
    assert names(out) == ["a.tar"]


def test_a_server_without_ranges_begins_anew(files, out):
    files.contents["/a.tar"] = CONTENT
    files.ranges = False
    files.cut_after = [HALF]
    download(f"{files.url}/a.tar", out, KNOWN)
    assert out.read_bytes() == CONTENT
    assert [sent for _, _, sent in files.asked] == [HALF, len(CONTENT)]


def test_a_file_that_changed_meanwhile_is_not_glued_to_its_old_half(files, out):
    files.contents["/a.tar"] = b"x" * len(CONTENT)
    files.cut_after = [HALF, 0, 0, 0]
    with pytest.raises(FetchError):
        download(f"{files.url}/a.tar", out, KNOWN)
    files.contents["/a.tar"], files.etag, files.cut_after = CONTENT, '"v2"', []
    download(f"{files.url}/a.tar", out, KNOWN)
    assert out.read_bytes() == CONTENT


def test_a_server_that_names_no_versions_is_found_out_by_the_checksum(files, out):
    files.etag = ""
    files.contents["/a.tar"] = b"x" * len(CONTENT)
    files.cut_after = [HALF, 0, 0, 0]
    with pytest.raises(FetchError):
        download(f"{files.url}/a.tar", out, KNOWN)
    files.contents["/a.tar"], files.cut_after = CONTENT, []
    download(f"{files.url}/a.tar", out, KNOWN)
    assert out.read_bytes() == CONTENT


def test_without_checksum_and_version_nothing_is_resumed(files, out):
    files.etag = ""
    files.contents["/a.tar"] = CONTENT
    files.cut_after = [HALF]
    download(f"{files.url}/a.tar", out, Expected())
    assert [wanted for _, wanted, _ in files.asked] == ["", ""]


def test_a_part_that_is_whole_already_is_taken(files, out):
    url = f"{files.url}/a.tar"
    files.contents["/a.tar"] = CONTENT
    out.parent.mkdir()
    part_of(url, out).write_bytes(CONTENT)
    download(url, out, KNOWN)
    assert files.asked == [("/a.tar", f"bytes={len(CONTENT)}-", 0)]
    assert names(out) == ["a.tar"]


def test_a_part_that_is_too_long_is_thrown_away(files, out):
    url = f"{files.url}/a.tar"
    files.contents["/a.tar"] = CONTENT
    out.parent.mkdir()
    part_of(url, out).write_bytes(CONTENT + b"!")
    download(url, out, KNOWN)
    assert out.read_bytes() == CONTENT


def test_redirects_are_followed_and_named(files, out, caplog):
    caplog.set_level(logging.INFO)
    files.contents["/there/a.tar"] = CONTENT
    files.redirects["/a.tar"] = "/there/a.tar"
    download(f"{files.url}/a.tar", out, KNOWN)
    assert out.read_bytes() == CONTENT
    assert f"{files.url}/a.tar leads to {files.url}/there/a.tar" in caplog.text


def test_endless_redirects_end(files, out):
    files.redirects["/a.tar"] = "/a.tar"
    with pytest.raises(FetchError, match=r"could not be downloaded \(Exceeded 30 redirects"):
        download(f"{files.url}/a.tar", out, KNOWN)


def test_a_server_that_announces_too_much_is_refused_unless_the_checksum_proves_it_wrong(
    files, out
):
    files.contents["/a.tar"] = CONTENT
    files.extra_length = 1000
    download(f"{files.url}/a.tar", out, KNOWN)
    assert out.read_bytes() == CONTENT
    out.unlink()
    files.ranges = False
    with pytest.raises(FetchError, match="cut"):
        download(f"{files.url}/a.tar", out, Expected())
    assert not out.exists()


def test_a_server_that_announces_too_little_gives_a_wrong_file(files, out):
    files.contents["/a.tar"] = CONTENT
    files.extra_length = -1000
    with pytest.raises(FetchError, match=r"wrong checksum(.|\n)*\(101,400 bytes\)"):
        download(f"{files.url}/a.tar", out, KNOWN)
    assert names(out) == []


def test_another_size_than_published_is_refused_before_it_is_downloaded(files, out):
    files.contents["/a.tar"] = CONTENT
    with pytest.raises(FetchError, match="offers 102,400 bytes, published are 7"):
        download(f"{files.url}/a.tar", out, Expected((f"sha256:{SUM}",), 7))
    assert names(out) == []


def test_a_wrong_checksum_shows_both_and_keeps_nothing(files, out):
    files.contents["/a.tar"] = CONTENT
    with pytest.raises(FetchError) as caught:
        download(f"{files.url}/a.tar", out, Expected(("md5:" + "0" * 32,)))
    assert f"expected md5 {'0' * 32}\n  found    md5 {MD5} (102,400 bytes)" in str(caught.value)
    assert names(out) == []
    assert len(files.asked) == 1


def test_what_a_server_calls_an_encoding_is_not_unpacked(files, out):
    files.contents["/a.tar"] = CONTENT
    files.encoding = "gzip"
    download(f"{files.url}/a.tar", out, KNOWN)
    assert out.read_bytes() == CONTENT


def test_the_log_says_how_far_it_is(files, out, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(progress, "EVERY", 0)
    files.contents["/a.tar"] = CONTENT
    download(f"{files.url}/a.tar", out, KNOWN)
    assert "a.tar: 100 % of 0.1 MB, " in caplog.text
    assert " MB/s, 0 s left" in caplog.text


def test_progress_in_words():
    told = progress.Progress("a.tar", 100_000_000)
    told.add(25_000_000)
    assert told.line(10) == "a.tar: 25 % of 100.0 MB, 2.5 MB/s, 30 s left"
    resumed = progress.Progress("a.tar", 100_000_000, done=50_000_000)
    assert resumed.line(10).endswith("50 % of 100.0 MB, 0.0 MB/s, unknown time left")
    assert progress.Progress("a.tar", None).line(1) == "a.tar: 0.0 MB, 0.0 MB/s"
    assert [progress.duration(s) for s in (59, 61, 3700)] == ["59 s", "1 min 1 s", "1 h 1 min"]


@pytest.mark.parametrize(
    ("checksum", "fine"),
    [
        ("md5:" + "a" * 32, True),
        ("sha256:" + "0" * 64, True),
        ("a" * 32, False),
        ("md5:" + "a" * 31, False),
        ("md5:" + "A" * 32, False),
        ("crc:" + "a" * 8, False),
    ],
)
def test_the_form_of_checksums(checksum, fine):
    assert (problem_of(checksum) == "") is fine


def test_nothing_is_proven_without_a_checksum():
    assert not Digests().proven()


# --- registered sets --------------------------------------------------------------------------


def tar(text=b"image"):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo("a/b.jpg")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    return stream.getvalue()


GOOD, OTHER = tar(), tar(b"other")


@pytest.fixture
def entry(files):
    """A set like LFW that the test's server publishes under /official."""
    files.contents["/official/set.tar"] = GOOD
    file = PublishedFile(
        "set.tar",
        (f"{files.url}/official/set.tar",),
        None,
        ("sha256:" + hashlib.sha256(GOOD).hexdigest(),),
    )
    return dataclasses.replace(lookup("lfw"), name="set", files=(file,))


def without_checksum(entry, **change):
    """The set as it would be if nothing were published of its file's bytes."""
    file = dataclasses.replace(entry.files[0], checksums=(), **change)
    return dataclasses.replace(entry, files=(file,))


@pytest.fixture
def get(tmp_path):
    def fetched(entry, mirror=None, sha256=None):
        out = tmp_path / "raw" / "set.tar"
        fetch_registered(
            entry, entry.files[0], sha256, mirror, out, tmp_path / "raw" / "set.tar.json"
        )
        return out.read_bytes(), read_json(tmp_path / "raw" / "set.tar.json")

    return fetched


def test_the_publisher_is_asked_where_there_is_no_mirror(entry, get, files):
    content, record = get(entry)
    assert content == GOOD
    assert record == {
        "file": "set.tar",
        "name": "set",
        "bytes": len(GOOD),
        "sha256": hashlib.sha256(GOOD).hexdigest(),
        "published": list(entry.files[0].checksums),
        "trusted": "checksum",
        "from": entry.files[0].urls[0],
    }


def test_mirrors_come_first(entry, get, files, tmp_path, monkeypatch):
    files.contents["/mirror/set.tar"] = GOOD
    assert get(entry, f"{files.url}/mirror/")[1]["from"] == f"{files.url}/mirror/set.tar"
    assert [path for path, *_ in files.asked] == ["/mirror/set.tar"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "set.tar").write_bytes(GOOD)
    monkeypatch.setenv(MIRROR, str(tmp_path / "mine"))
    files.asked.clear()
    assert get(entry)[1]["from"] == str(tmp_path / "mine" / "set.tar")
    assert files.asked == []


def test_a_file_in_the_data_folder_is_taken(entry, get, files, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "sets"))
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "set.tar").write_bytes(GOOD)
    assert get(entry)[0] == GOOD
    assert files.asked == []


@pytest.mark.parametrize("wrong", [OTHER, GOOD[:-9], b""])
def test_a_wrong_file_on_a_mirror_is_passed_over_with_a_warning(
    entry, get, files, tmp_path, caplog, wrong
):
    (tmp_path / "set.tar").write_bytes(wrong)
    content, record = get(entry, str(tmp_path))
    assert content == GOOD
    assert record["from"] == entry.files[0].urls[0]
    assert f"{tmp_path}/set.tar: wrong checksum" in caplog.text


def test_where_all_fail_every_place_is_told_with_its_reason(entry, get, files, tmp_path):
    files.contents["/official/set.tar"] = OTHER
    with pytest.raises(UserError) as caught:
        get(entry, str(tmp_path / "gone"))
    text = str(caught.value)
    assert text.startswith("set: set.tar could not be had from any place.\n")
    assert f"- {tmp_path}/gone/set.tar: not there\n" in text
    assert f"- {files.url}/official/set.tar: wrong checksum" in text
    assert "Put the file set.tar into the folder that UNISPACE_DATA names" in text
    assert not (tmp_path / "raw" / "set.tar.json").exists()


def test_without_a_published_checksum_the_first_file_is_trusted_and_says_so(
    entry, get, files, caplog
):
    unknown = without_checksum(entry)
    _, record = get(unknown)
    assert record["trusted"] == "first use"
    assert f"trusted from now on (sha256 {record['sha256']})" in caplog.text
    caplog.clear()
    assert get(unknown)[1] == record
    assert "trusted from now on" not in caplog.text


def test_a_later_fetch_must_match_the_first(entry, get, files, tmp_path):
    unknown = without_checksum(entry)
    get(unknown)
    files.contents["/official/set.tar"] = OTHER
    with pytest.raises(UserError) as caught:
        get(unknown)
    assert "wrong checksum" in str(caught.value)
    assert f"delete {tmp_path}/raw/set.tar.json and run again" in str(caught.value)
    assert (tmp_path / "raw" / "set.tar").read_bytes() == GOOD


def test_the_sha256_of_the_study_holds_where_none_is_published(entry, get, files):
    unknown = without_checksum(entry)
    assert get(unknown, sha256=hashlib.sha256(GOOD).hexdigest())[1]["trusted"] == "checksum"
    with pytest.raises(UserError, match="wrong checksum"):
        get(unknown, sha256="0" * 64)


@pytest.mark.parametrize("wrong", [b"<!DOCTYPE html><title>Log in</title>", GOOD[:600], b""])
def test_only_an_archive_is_trusted_on_first_use(entry, get, files, tmp_path, wrong):
    files.contents["/official/set.tar"] = wrong
    with pytest.raises(UserError, match=r"gave no whole set\.tar, it begins with"):
        get(without_checksum(entry))
    assert list((tmp_path / "raw").iterdir()) == []


def test_a_set_that_must_be_asked_for_is_never_asked_of_a_server(entry, get, files):
    asked = dataclasses.replace(entry, access="request", how_to_get="Ask Ann.")
    with pytest.raises(UserError, match=r"Ask Ann\. Put the file set\.tar"):
        get(asked)
    assert files.asked == []

"""Fetching: from a path or a server, checked, and with words for each way in which it can fail."""

import hashlib
import socket
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from unispace.data.sources import download
from unispace.data.sources.fetch import check, fetch
from unispace.errors import UserError
from unispace.records.places import VARIABLE, is_url, locate

CONTENT = b"images" * 1000
SUM = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Work in an empty folder, without the variable of the machine and without a proxy."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "WAITS", (0.0,))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


# --- places -----------------------------------------------------------------------------------


def test_only_http_addresses_are_fetched_over_the_network():
    assert [is_url(p) for p in ("http://x/a", "https://x/a", "a/http://x", "/a", "ftp://x")] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_a_file_is_looked_for_in_the_data_folder_and_then_here(tmp_path, here, monkeypatch):
    (here / "a").touch()
    (tmp_path / "shared").mkdir()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "shared"))
    assert locate("a", "x") == here / "a"
    (tmp_path / "shared" / "a").touch()
    assert locate("a", "x") == tmp_path / "shared" / "a"


def test_absolute_paths_and_home_are_taken_as_they_are(tmp_path, monkeypatch):
    (tmp_path / "a").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert locate(str(tmp_path / "a"), "x") == tmp_path / "a"
    assert locate("~/a", "x") == tmp_path / "a"


def test_a_missing_file_names_the_places_and_the_variable(tmp_path, here, monkeypatch):
    with pytest.raises(UserError) as caught:
        locate("sets/a.zip", "datasets.faces")
    assert str(caught.value) == (
        "datasets.faces: `sets/a.zip` was not found. Looked for\n"
        f"    {here}/sets/a.zip\n"
        "  Put it there, or set UNISPACE_DATA to the folder that holds it (now unset), "
        "as in `export UNISPACE_DATA=/folder/with/archives`."
    )
    monkeypatch.setenv(VARIABLE, str(tmp_path / "shared"))
    with pytest.raises(UserError) as caught:
        locate("sets/a.zip", "datasets.faces")
    places = f"    {tmp_path}/shared/sets/a.zip\n    {here}/sets/a.zip\n"
    assert places in str(caught.value)
    assert "now unset" not in str(caught.value)


def test_a_missing_absolute_path_is_named_once(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(UserError) as caught:
        locate("/nowhere/a.zip", "x")
    assert str(caught.value).count("    /nowhere/a.zip\n") == 1


# --- local files ------------------------------------------------------------------------------


def test_a_local_file_is_copied(tmp_path, here):
    (here / "a.zip").write_bytes(CONTENT)
    fetch("a.zip", SUM, tmp_path / "raw" / "a.zip")
    assert (tmp_path / "raw" / "a.zip").read_bytes() == CONTENT
    assert (here / "a.zip").read_bytes() == CONTENT


def test_a_wrong_checksum_shows_both_and_the_size_and_keeps_nothing(tmp_path, here):
    (here / "a.zip").write_bytes(CONTENT[:-1])
    found = hashlib.sha256(CONTENT[:-1]).hexdigest()
    with pytest.raises(UserError) as caught:
        fetch("a.zip", SUM, tmp_path / "raw" / "a.zip")
    text = str(caught.value)
    assert text.startswith("a.zip: wrong checksum: truncated, damaged or another version.\n")
    assert f"  expected sha256 {SUM}\n  found    sha256 {found} (5,999 bytes)\n" in text
    assert list((tmp_path / "raw").iterdir()) == []


def test_a_failed_fetch_keeps_what_was_fetched_before(tmp_path, here):
    (tmp_path / "a.zip").write_bytes(b"before")
    (here / "a.zip").write_bytes(b"damaged")
    with pytest.raises(UserError, match="wrong checksum"):
        fetch("a.zip", SUM, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == b"before"


def test_a_folder_is_no_archive(tmp_path, here):
    (here / "a.zip").mkdir()
    with pytest.raises(UserError, match=r"a\.zip: .*/work/a\.zip is not a file"):
        fetch("a.zip", SUM, tmp_path / "raw" / "a.zip")
    with pytest.raises(UserError, match=r"datasets: .* is not a file"):
        check(here / "a.zip", SUM, "datasets")


def test_a_missing_file_is_named_with_its_places(tmp_path):
    with pytest.raises(
        UserError, match=r"`a\.zip` was not found. Looked for\n(.*\n)+.*UNISPACE_DATA"
    ):
        fetch("a.zip", SUM, tmp_path / "raw" / "a.zip")


# --- over the network -------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    """Serves one content, and a few ways to fail."""

    def do_GET(self):
        if self.path.startswith("/gone"):
            self.send_error(404, "Not Found")
            return
        if self.path.startswith("/broken"):
            self.send_error(500, "Trouble")
            return
        self.send_response(200)
        length = len(CONTENT) + (1_000_000 if self.path.startswith("/short") else 0)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=partial(httpd.serve_forever, poll_interval=0.02), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def test_a_file_is_downloaded(tmp_path, server):
    fetch(f"{server}/a.zip?version=2", SUM, tmp_path / "raw" / "a.zip")
    assert (tmp_path / "raw" / "a.zip").read_bytes() == CONTENT
    assert [p.name for p in (tmp_path / "raw").iterdir()] == ["a.zip"]


def test_a_download_of_another_content_is_refused(tmp_path, server):
    with pytest.raises(UserError, match=r"/a\.zip: wrong checksum"):
        fetch(f"{server}/a.zip", "0" * 64, tmp_path / "raw" / "a.zip")
    assert list((tmp_path / "raw").iterdir()) == []


@pytest.mark.parametrize(("path", "reason"), [("gone.zip", "404"), ("broken.zip", "500")])
def test_a_failed_download_says_why_and_what_to_do(tmp_path, server, path, reason):
    with pytest.raises(
        UserError,
        match=rf"{path}: could not be downloaded \(.*{reason}.*\); check the address and the network",
    ):
        fetch(f"{server}/{path}", SUM, tmp_path / "raw" / "a.zip")
    assert list((tmp_path / "raw").iterdir()) == []


def test_a_server_that_is_not_there_is_said_in_words(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/a.zip"
        with pytest.raises(UserError, match=r"could not be downloaded .*refused"):
            fetch(url, SUM, tmp_path / "raw" / "a.zip")


def test_a_disk_that_fills_up_while_downloading_is_not_called_the_network(
    tmp_path, server, monkeypatch
):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download.Digests, "update", full)
    with pytest.raises(UserError, match=r"a\.zip: no space left on the disk"):
        fetch(f"{server}/a.zip", SUM, tmp_path / "raw" / "a.zip")

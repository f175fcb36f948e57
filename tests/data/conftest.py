"""Small images, archives and folders."""

import importlib.util
import io
import tarfile
import threading
import zipfile
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def picture(seed, size=8, form="PNG"):
    """The bytes of an image file."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form)
    return stream.getvalue()


def pack(path, members):
    """A zip or (compressed) tar of {name: bytes}."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path
    mode = {".tar": "w", ".gz": "w:gz", ".tgz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}[path.suffix]
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def table(rows, columns=("path", "identity_or_class", "split")):
    """A CSV table."""
    return "\n".join([",".join(columns), *(",".join(row) for row in rows)]).encode()


@pytest.fixture
def make():
    """The helpers of this file, for tests."""

    class Make:
        picture = staticmethod(picture)
        pack = staticmethod(pack)
        table = staticmethod(table)

    return Make


@pytest.fixture
def read_layout(tmp_path):
    """Lists an archive of named images; each image's bytes are checked against what was packed."""
    from unispace.data.sources.layouts import layout_of

    def listed(layout, names, file="a.tar.gz", extra=None, beside=None):
        """`extra`: other members of the archive. `beside`: bytes, or members of an archive, of further files."""
        images = {name: picture(i, form="JPEG") for i, name in enumerate(names)}
        path = pack(tmp_path / file, {**images, **(extra or {})})
        for name, content in (beside or {}).items():
            if isinstance(content, bytes):
                (tmp_path / name).write_bytes(content)
            else:
                pack(tmp_path / name, content)
                images |= content
        reader = layout_of(layout)
        listing = reader.read_listing(path)
        assert dict(reader.contents(path, list(listing["member"]))) == {
            name: images[name] for name in listing["member"]
        }
        assert ("split" in listing) is reader.has_splits
        assert listing["image_id"].is_unique
        assert not listing[["image_id", "member", "label"]].isna().any(axis=None)
        return listing

    return listed


@pytest.fixture
def files(monkeypatch):
    """A running file server; `files.url` is its address. No proxy, and no waiting between attempts."""
    from unispace.data.sources import download

    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "WAITS", (0.0, 0.0))
    # Test folders are no packages: another one may have a module of the same name.
    spec = importlib.util.spec_from_file_location("server", Path(__file__).with_name("server.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    offered = module.Files()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), module.handler_of(offered))
    thread = threading.Thread(target=partial(httpd.serve_forever, poll_interval=0.02), daemon=True)
    thread.start()
    offered.url = f"http://127.0.0.1:{httpd.server_port}"
    yield offered
    httpd.shutdown()
    httpd.server_close()
    thread.join()

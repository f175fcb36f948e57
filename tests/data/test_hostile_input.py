"""Archives of odd and hostile content, from a server into a prepared data set."""

import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from unispace.config.datasets import Dataset
from unispace.data.prepare import prepare
from unispace.data.sources.fetch import fetch
from unispace.errors import UserError
from unispace.records.images import ImageStore
from unispace.records.left_out import read_left_out


@pytest.fixture
def prepared(tmp_path, make, files, monkeypatch):
    """Serves an archive of {name: (bytes, label)}, fetches it, and prepares it."""
    monkeypatch.chdir(tmp_path)

    def made(images, form="zip", domain="object", **settings):
        rows = [(name, label, "test") for name, (_, label) in images.items()]
        members = {name: content for name, (content, _) in images.items()}
        packed = make.pack(
            tmp_path / f"served.{form}", {"manifest.csv": make.table(rows), **members}
        ).read_bytes()
        files.contents["/%C3%9Cbung.zip"] = packed
        checksum = hashlib.sha256(packed).hexdigest()
        fetch(f"{files.url}/%C3%9Cbung.zip", checksum, tmp_path / "raw.zip")
        source = {"kind": "archive", "path": "raw.zip", "sha256": checksum}
        dataset = Dataset.model_validate({"domain": domain, "source": source, **settings})
        out = tmp_path
        manifest = prepare("d", dataset, 1, tmp_path / "raw.zip", out)
        return manifest, ImageStore(out / "images.npy"), read_left_out(out / "left_out.json")

    return made


def encoded(image, form, **options):
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def bomb():
    """A PNG of a few bytes that says it has 400 million pixels."""
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz"])
def test_names_and_labels_in_any_script_are_kept(prepared, make, form):
    images = {
        "Zoë/é.png": (make.picture(1), "Zoë"),
        "张伟/照片 1.png": (make.picture(2), "张伟"),
        "a b/it's.png": (make.picture(3), "a 'b' c"),
    }
    manifest, store, _ = prepared(images, form)
    assert sorted(manifest["image_id"]) == sorted(images)
    assert dict(zip(manifest["image_id"], manifest["label"], strict=True)) == {
        name: label for name, (_, label) in images.items()
    }
    assert len(store) == 3


def test_labels_that_differ_only_in_case_are_two(prepared, make):
    names = ["x/1.png", "x/2.png", "X/1.png", "X/2.png"]
    images = {name: (make.picture(i), name[0]) for i, name in enumerate(names)}
    manifest, store, _ = prepared(images, domain="face_hq")
    assert manifest["identity"].nunique() == 2
    assert dict(zip(manifest["image_id"], manifest["label"], strict=True)) == {n: n[0] for n in names}  # fmt: skip
    for row, name in zip(manifest["row"], manifest["image_id"], strict=True):
        truth = Image.open(io.BytesIO(images[name][0]))
        assert np.array_equal(np.asarray(store.image(row)), np.asarray(truth))


def test_every_kind_of_picture_comes_out_upright_and_in_colour(prepared):
    ramp = np.linspace(0, 255, 64, dtype=np.uint8).reshape(8, 8)
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held on its side
    red = Image.new("RGB", (4, 8), (255, 0, 0))
    images = {
        "exif.jpg": encoded(Image.new("RGB", (16, 8), (9, 9, 9)), "JPEG", exif=turned),
        "grey.png": encoded(Image.fromarray(ramp), "PNG"),
        "cmyk.jpg": encoded(red.convert("CMYK"), "JPEG"),
        "alpha.png": encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 0)), "PNG"),
        "sixteen.png": encoded(Image.fromarray(ramp.astype(np.uint16) * 257), "PNG"),
        "wrong.jpg": encoded(Image.fromarray(ramp), "PNG"),
    }
    manifest, store, _ = prepared({name: (content, "x") for name, content in images.items()})
    shown = {
        name: store.image(row)
        for row, name in zip(manifest["row"], manifest["image_id"], strict=True)
    }
    assert {image.mode for image in shown.values()} == {"RGB"}
    assert shown["exif.jpg"].size == (8, 16)
    assert shown["alpha.png"].getpixel((0, 0)) == (255, 255, 255)
    assert np.abs(np.asarray(shown["cmyk.jpg"], int) - [255, 0, 0]).max() < 12
    for name in ("grey.png", "sixteen.png", "wrong.jpg"):
        assert np.array_equal(np.asarray(shown[name])[:, :, 0], ramp)


def test_a_decompression_bomb_stops_or_is_left_out_and_is_never_unpacked(prepared, make):
    images = {"a.png": (make.picture(1), "x"), "bomb.png": (bomb(), "x")}
    with pytest.raises(UserError, match=r"bomb\.png: cannot be read as an image \(Image size \(400000000 pixels\) exceeds limit"):  # fmt: skip
        prepared(images)
    manifest, _, left_out = prepared(images, unreadable="skip")
    assert manifest["image_id"].tolist() == ["a.png"]
    assert left_out.unreadable == ("bomb.png",)

"""An image is decoded upright and in RGB, and what is no image is refused."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_images import encoded, pixels
from PIL import EpsImagePlugin, Image

from unispace.errors import UserError
from unispace.records.images import (
    decode,
)


def decoded(image, form="PNG", **options):
    return np.asarray(decode(encoded(image, form, **options), "x"))


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_files_give_the_pixels_back(form):
    assert np.array_equal(decoded(pixels(), form), pixels())


def test_webp_and_jpeg2000_are_read():
    assert np.array_equal(decoded(pixels(32, 32), "WEBP", lossless=True), pixels(32, 32))
    assert np.array_equal(decoded(pixels(32, 32), "JPEG2000"), pixels(32, 32))


def test_jpeg_is_read_as_nearly_the_same():
    smooth = np.add.outer(np.arange(64), np.arange(64))[..., None].repeat(3, 2).astype(np.uint8)
    assert np.abs(decoded(smooth, "JPEG", quality=95).astype(int) - smooth).max() <= 4


# Where the first pixel of the stored image goes, for each value of the EXIF orientation: row, column
# of the upright image, from the EXIF standard (value 6: the 0th row is the right side, ...).
CORNER = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}  # fmt: skip


@pytest.mark.parametrize("orientation", CORNER)
def test_photographs_are_turned_upright(orientation):
    stored = np.zeros((2, 3, 3), np.uint8)
    stored[0, 0] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = decoded(stored, "PNG", exif=exif)
    assert upright.shape[:2] == ((2, 3) if orientation < 5 else (3, 2))
    assert upright[CORNER[orientation]].tolist() == [255, 255, 255]
    assert (upright > 0).sum() == 3


def test_grey_becomes_equal_channels():
    grey = pixels()[..., 0]
    assert np.array_equal(decoded(grey), grey[..., None].repeat(3, 2))


def test_one_bit_becomes_black_and_white():
    bits = np.array([[True, False], [False, True]])
    assert np.array_equal(decoded(Image.fromarray(bits))[..., 0], bits * np.uint8(255))


def test_a_palette_becomes_its_colours():
    colours = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [9, 8, 7]]], np.uint8)
    paletted = Image.fromarray(colours).quantize(4)
    assert paletted.mode == "P"
    assert np.array_equal(decoded(paletted), colours)
    assert np.array_equal(decoded(paletted, "GIF"), colours)


def test_cmyk_becomes_rgb():
    ink = Image.new("CMYK", (16, 16), (255, 0, 0, 0))  # all cyan: no red
    red, green, blue = decoded(ink, "JPEG", quality=100)[8, 8]
    assert red < 40
    assert min(green, blue) > 130
    assert np.array_equal(
        decoded(Image.new("CMYK", (4, 4), (0, 0, 0, 255)), "TIFF"), np.zeros((4, 4, 3))
    )


@pytest.mark.parametrize("alpha", [0, 51, 255])
def test_transparent_images_lie_on_white(alpha):
    image = Image.new("RGBA", (3, 3), (100, 0, 200, alpha))
    expected = [round((c * alpha + 255 * (255 - alpha)) / 255) for c in (100, 0, 200)]
    assert np.abs(decoded(image)[0, 0].astype(int) - expected).max() <= 1


def test_a_transparent_colour_of_palette_and_grey_lies_on_white():
    paletted = Image.new("P", (2, 1))
    paletted.putpalette([10, 20, 30, 40, 50, 60])
    paletted.putpixel((1, 0), 1)
    assert decoded(paletted, "PNG", transparency=0)[0].tolist() == [[255] * 3, [40, 50, 60]]
    grey = Image.fromarray(np.array([[7, 9]], np.uint8))
    assert decoded(grey, "PNG", transparency=7)[0].tolist() == [[255] * 3, [9] * 3]


def test_sixteen_bits_keep_their_brightness():
    values = np.array([[0, 257, 32896, 65535]], np.uint16)
    for form in ("PNG", "TIFF", "PPM"):
        assert decoded(Image.fromarray(values), form)[0, :, 0].tolist() == [0, 1, 128, 255]


def test_a_dark_image_of_sixteen_bits_stays_dark():
    values = np.array([[0, 100, 255]], np.uint16)
    assert decoded(Image.fromarray(values))[0, :, 0].tolist() == [0, 0, 1]


@pytest.mark.parametrize("values", [[np.nan, 0, 300], [-5, 70000, 1], [0, 128, 255]])
def test_odd_values_of_float_images_do_not_wrap_around(values):
    result = decoded(Image.fromarray(np.array([values], np.float32)), "TIFF")[0, :, 0]
    rank = np.nan_to_num(np.array(values, float)).clip(0)
    assert (np.diff(result[np.argsort(rank)].astype(int)) >= 0).all()


def test_the_content_decides_and_not_the_name():
    assert np.array_equal(np.asarray(decode(encoded(pixels(), "PNG"), "a.jpg")), pixels())


def test_an_animation_gives_its_first_picture():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    shown = decoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert shown[0, 0].tolist() == [255, 0, 0]


def bomb():
    """A PNG of a few bytes that says it has 400 million pixels."""
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    # With a head alone it would count as cut, not as too large.
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def test_a_decompression_bomb_is_refused_by_its_size():
    with pytest.raises(UserError, match=r"400000000 pixels\) exceeds limit of 200000000 pixels"):
        decode(bomb(), "faces/a.jpg")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        encoded(pixels(64, 64), "JPEG")[:700],
        encoded(pixels(64, 64), "PNG")[:700],
        encoded(pixels(), "PNG")[:20],
        encoded(pixels(), "PDF"),
        bomb(),
    ],
    ids=["empty", "text", "postscript", "svg", "half jpeg", "half png", "png head", "pdf", "bomb"],
)
def test_what_is_no_whole_image_is_refused_with_its_name(content):
    with pytest.raises(UserError, match=r"^faces/a.jpg: cannot be read as an image \("):
        decode(content, "faces/a.jpg")


def test_postscript_is_not_given_to_the_program_that_runs_it(monkeypatch):
    called = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *a, **k: called.append(a))
    with pytest.raises(UserError, match="cannot be read as an image"):
        decode(encoded(pixels(), "EPS"), "a.jpg")
    assert called == []


SOUND = [
    encoded(pixels(16, 16), form, **options)
    for form, options in [
        ("PNG", {}), ("JPEG", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"}),
        ("GIF", {}), ("TIFF", {}), ("BMP", {}), ("WEBP", {}), ("JPEG2000", {}),
    ]
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about the damage
@given(st.sampled_from(SOUND), st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=4)), min_size=1))  # fmt: skip
def test_damaged_bytes_give_an_image_or_a_user_error(content, damages):
    for place, piece in damages:
        content = content[:place] + piece + content[place + len(piece) :]
    try:
        image = decode(content, "x")
    except UserError:
        return
    assert image.mode == "RGB"

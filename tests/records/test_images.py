"""The image store gives back what was put in, upright and in RGB, and refuses what is no image."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import EpsImagePlugin, Image

from unispace.errors import UserError
from unispace.records.images import (
    ImageStore,
    decode,
    decode_once,
    resize,
    write_encoded,
    write_raw,
)
from unispace.records.shards import PLACE, Shard, write_references


def pixels(height=9, width=7, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(image, form="PNG", **options):
    stream = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(
        stream, form, **options
    )
    return stream.getvalue()


def decoded(image, form="PNG", **options):
    return np.asarray(decode(encoded(image, form, **options), "x"))


# --- decoding ---------------------------------------------------------------------------------


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


# --- stores -----------------------------------------------------------------------------------


def raw_store(path, count=6, size=8):
    images = np.stack([pixels(size, size, seed) for seed in range(count)])
    write_raw([images[:4], images[4:]], count, size, path)
    return ImageStore(path), images


def encoded_store(path, count=5):
    images = [pixels(6 + seed, 9, seed) for seed in range(count)]
    write_encoded((encoded(image) for image in images), path)
    return ImageStore(path), images


def referenced_store(path, count=5):
    """The images of `encoded_store` in two shards, the later images in the first one."""
    images = [pixels(6 + seed, 9, seed) for seed in range(count)]
    shards, places = [], np.zeros(count, PLACE)
    for number, rows in enumerate([range(count // 2, count), range(count // 2)]):
        body = b"head"
        for row in rows:
            content = encoded(images[row])
            places[row] = number, len(body), len(content)
            body += content
        file = path.with_name(f"{path.name}.{number}.shard")
        file.write_bytes(body)
        shards.append(Shard(str(file), len(body), "0" * 64))
    write_references(shards, places, path)
    return ImageStore(path), images


def test_raw_images_come_back(tmp_path):
    store, images = raw_store(tmp_path / "s.npy")
    assert len(store) == 6
    assert np.array_equal(np.load(tmp_path / "s.npy"), images)
    for row in (5, 0, 3):
        assert np.array_equal(np.asarray(store.image(row)), images[row])


@pytest.mark.parametrize("kind", [encoded_store, referenced_store])
def test_files_come_back_as_images_in_their_own_size(tmp_path, kind):
    store, images = kind(tmp_path / "s.npy")
    assert len(store) == 5
    for row in (4, 0, 2):
        assert np.array_equal(np.asarray(store.image(row)), images[row])


@given(st.lists(st.binary(max_size=60), max_size=12))
def test_encoded_files_are_stored_byte_for_byte(tmp_path_factory, contents):
    path = tmp_path_factory.mktemp("store") / "s.npy"
    write_encoded(contents, path)
    body = np.load(path).tobytes()
    assert body.startswith(b"".join(contents))
    assert len(ImageStore(path)) == len(contents)
    for row in range(len(contents)):
        with pytest.raises(UserError, match=rf"s\.npy, image {row}: cannot be read"):
            ImageStore(path).image(row)


@pytest.mark.parametrize("kind", [raw_store, encoded_store, referenced_store])
@pytest.mark.parametrize("size", [8, 5, 16])
@pytest.mark.parametrize("how", ["bilinear", "bicubic"])
def test_a_batch_is_its_images_one_by_one(tmp_path, kind, size, how):
    store, _ = kind(tmp_path / "s.npy")
    rows = [3, 0, 3, 4]
    batch = store.batch(rows, size, how)
    assert batch.shape == (4, size, size, 3)
    assert batch.dtype == np.uint8
    for place, row in enumerate(rows):
        assert np.array_equal(batch[place], resize(store.image(row), size, how))
        assert np.array_equal(batch[place], store.batch(np.array([row]), size, how)[0])


@pytest.mark.parametrize("kind", [raw_store, encoded_store, referenced_store])
def test_a_batch_of_nothing_is_empty(tmp_path, kind):
    store, _ = kind(tmp_path / "s.npy")
    assert store.batch([], 8, "bicubic").shape == (0, 8, 8, 3)


@pytest.mark.parametrize("kind", [raw_store, encoded_store, referenced_store])
def test_a_batch_can_be_changed_without_changing_the_store(tmp_path, kind):
    store, _ = kind(tmp_path / "s.npy")
    before = (tmp_path / "s.npy").read_bytes()
    store.batch([0, 1], 8, "bicubic")[:] = 0
    assert (tmp_path / "s.npy").read_bytes() == before


@given(arrays(np.uint8, (8, 8, 3)))
def test_resizing_to_the_same_size_changes_nothing(image):
    assert np.array_equal(resize(Image.fromarray(image), 8, "bicubic"), image)


@given(st.integers(0, 255), st.integers(1, 40), st.integers(1, 40), st.sampled_from(["bilinear", "bicubic"]))  # fmt: skip
def test_resizing_keeps_a_flat_colour_flat(value, width, height, how):
    image = Image.new("RGB", (width, height), (value, value, value))
    assert (resize(image, 11, how) == value).all()


def test_shrinking_averages_instead_of_dropping_pixels():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    for how in ("bilinear", "bicubic"):
        assert np.abs(resize(Image.fromarray(stripes), 16, how).astype(int) - 127).max() < 12


@pytest.mark.parametrize("wide", [(60, 60), (90, 60), (60, 120)])
@pytest.mark.parametrize("how", ["bilinear", "bicubic"])
def test_the_shorter_side_is_resized_and_the_middle_cut_out_as_torchvision_does_it(wide, how):
    from torchvision import transforms

    pixels = np.random.default_rng(0).integers(0, 256, (wide[1], wide[0], 3), np.uint8)
    image = Image.fromarray(pixels)
    theirs = transforms.Compose(
        [
            transforms.Resize(40, transforms.InterpolationMode(how)),
            transforms.CenterCrop(32),
        ]
    )
    found = resize(image, 32, how, "keep", 40)
    np.testing.assert_array_equal(found, np.asarray(theirs(image)))


def test_a_squeezed_image_loses_its_margin_alone():
    image = Image.new("RGB", (80, 40), (9, 9, 9))
    image.paste((200, 200, 200), (20, 10, 60, 30))
    found = resize(image, 20, "bilinear", "stretch", 40)
    assert found.shape == (20, 20, 3)
    assert found[2:-2, 2:-2].min() == 200
    assert resize(image, 40, "bilinear").min() == 9


def test_raw_images_of_the_right_size_are_cut_too(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    write_raw(iter([pixels]), 3, 16, tmp_path / "images.npy")
    store = ImageStore(tmp_path / "images.npy")
    expected = [resize(Image.fromarray(p), 16, "bicubic", "stretch", 20) for p in pixels]
    np.testing.assert_array_equal(store.batch([0, 1, 2], 16, "bicubic", "stretch", 20), expected)
    scratch = decode_once(store, [2, 0], 16, "bicubic", tmp_path / "s", "stretch", 20)
    np.testing.assert_array_equal(scratch, [expected[2], expected[0]])
    assert not np.array_equal(expected, pixels)


def test_too_few_or_too_many_raw_images_are_not_written(tmp_path):
    batch = np.zeros((3, 8, 8, 3), np.uint8)
    for count in (2, 4):
        with pytest.raises(ValueError, match=f"3 images came, {count} were announced"):
            write_raw([batch], count, 8, tmp_path / "s.npy")
    with pytest.raises(ValueError, match="a batch is float64"):
        write_raw([batch.astype(float)], 3, 8, tmp_path / "s.npy")
    with pytest.raises(ValueError, match=r"a batch is uint8 \(3, 8, 8, 3\)"):
        write_raw([batch], 3, 9, tmp_path / "s.npy")
    assert list(tmp_path.iterdir()) == []


def test_a_failing_source_leaves_no_store(tmp_path):
    def contents():
        yield b"one"
        raise UserError("second is bad")

    with pytest.raises(UserError, match="second is bad"):
        write_encoded(contents(), tmp_path / "s.npy")
    assert list(tmp_path.iterdir()) == []


def full_disk(monkeypatch):
    import pathlib

    real = pathlib.Path.open

    def limited(self, *arguments, **options):
        if arguments and "w" in arguments[0]:
            return real(pathlib.Path("/dev/full"), *arguments, **options)
        return real(self, *arguments, **options)

    monkeypatch.setattr(pathlib.Path, "open", limited)


def test_a_full_disk_is_an_error_and_no_crash(tmp_path, monkeypatch):
    store, images = raw_store(tmp_path / "good.npy")
    full_disk(monkeypatch)
    with pytest.raises(UserError, match="no space left on the disk"):
        write_raw([images], len(images), 8, tmp_path / "s.npy")
    with pytest.raises(UserError, match="no space left on the disk"):
        write_encoded([b"x" * 100_000], tmp_path / "s.npy")
    with pytest.raises(UserError, match="no space left on the disk"):
        decode_once(store, [0, 1, 2], 64, "bicubic", tmp_path / "scratch")
    assert {p.name for p in tmp_path.iterdir()} == {"good.npy", "scratch"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "s.npy: not there"),
        (b"", r"s.npy: damaged \("),
        (b"hello", r"s.npy: damaged \("),
        (np.zeros((2, 3), np.uint8), "s.npy: holds no images"),
        (np.zeros((2, 8, 8, 3), np.float32), "s.npy: holds no images"),
        (np.zeros(5, np.uint8), "s.npy: holds no images"),
        (np.frombuffer(b"\xff" * 30, np.uint8), "s.npy: holds no images"),
        (np.frombuffer(b"abc" + (9).to_bytes(8, "little"), np.uint8), "s.npy: holds no images"),
    ],
)
def test_a_store_that_is_none_is_refused(tmp_path, content, message):
    path = tmp_path / "s.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content)
    with pytest.raises(UserError, match=message):
        ImageStore(path)


@pytest.mark.parametrize("kind", [raw_store, encoded_store, referenced_store])
def test_a_truncated_store_is_refused(tmp_path, kind):
    path = tmp_path / "s.npy"
    kind(path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"s\.npy: damaged"):
        ImageStore(path)


@pytest.mark.parametrize("kind", [raw_store, encoded_store, referenced_store])
@pytest.mark.parametrize("rows", [[4, 1, 1], list(range(5)) * 60, []])
def test_images_decoded_once_are_those_of_the_store(tmp_path, kind, rows):
    store, _ = kind(tmp_path / "s.npy")
    images = decode_once(store, rows, 6, "bicubic", tmp_path / "scratch")
    assert np.array_equal(images, store.batch(rows, 6, "bicubic"))
    if rows:
        assert isinstance(images, np.memmap)


def test_two_data_sets_decoded_to_one_folder_do_not_mix(tmp_path):
    store, images = raw_store(tmp_path / "s.npy")
    one = decode_once(store, [0], 8, "bicubic", tmp_path / "scratch")
    other = decode_once(store, [1], 8, "bicubic", tmp_path / "scratch")
    assert np.array_equal(one[0], images[0])
    assert np.array_equal(other[0], images[1])

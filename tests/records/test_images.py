"""The image store gives back what was put in, in the size that is asked for, and refuses what is no store."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_images import encoded, pixels
from PIL import Image

from unispace.errors import UserError
from unispace.records.images import (
    ImageStore,
    decode_once,
    resize,
    write_encoded,
    write_raw,
)
from unispace.records.shards import PLACE, Shard, write_references


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

"""Shards are listed and read where they lie: the images of a folder, whatever odd things a tar may hold."""

import io
import json
import os
import tarfile
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unispace.config.datasets import Dataset, ShardsSource
from unispace.data.preflight import content_of
from unispace.data.prepare import prepare
from unispace.data.sources.braces import expand_braces
from unispace.data.sources.shards import contents, find_shards, read_listing, shards_of
from unispace.errors import UserError
from unispace.records.images import ImageStore
from unispace.records.left_out import LeftOut, read_left_out
from unispace.records.manifest import read_manifest
from unispace.records.places import VARIABLE


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.chdir(tmp_path)


def source(**settings):
    return ShardsSource.model_validate({"kind": "shards", "path": "s-{0..0}.tar", **settings})


def about(**values):
    return json.dumps(values).encode()


@pytest.fixture
def listed(tmp_path, make):
    """The listing of one shard with these members."""

    def run(members, **settings):
        make.pack(tmp_path / "s-0.tar", members)
        return read_listing(find_shards("s-0.tar", "x"), source(**settings))

    return run


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a.tar", ["a.tar"]),
        ("a-{8..11}.tar", ["a-8.tar", "a-9.tar", "a-10.tar", "a-11.tar"]),
        ("a-{098..101}.tar", ["a-098.tar", "a-099.tar", "a-100.tar", "a-101.tar"]),
        ("{x,y}/{0..1}.tar", ["x/0.tar", "x/1.tar", "y/0.tar", "y/1.tar"]),
        ("a{,b,}.tar", ["a.tar", "ab.tar"]),
        ("a-{3..3}.tar", ["a-3.tar"]),
    ],
)
def test_braces_stand_for_names_in_order(pattern, names):
    assert expand_braces(pattern) == names


@given(st.integers(0, 2000), st.integers(0, 40), st.integers(1, 6))
def test_a_range_is_every_number_at_its_width(start, more, width):
    names = expand_braces(f"s-{{{start:0{width}d}..{start + more}}}.tar")
    assert [int(name[2:-4]) for name in names] == list(range(start, start + more + 1))
    assert all(len(name) >= len("s-.tar") + width for name in names)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("a-{0..3.tar", "a brace is open"),
        ("a-0..3}.tar", "a brace is open"),
        ("a-{0..{1..2}}.tar", "stands within another one"),
        ("a-{}.tar", r"\{\} must be a rising range such as \{0000..0099\}"),
        ("a-{x}.tar", "must be a rising range"),
        ("a-{9..3}.tar", r"\{9..3\} must be a rising range"),
        ("a-{0..999999}{0..999999}.tar", "stands for more than 1,000,000 names"),
    ],
)
def test_braces_that_say_nothing_are_refused(pattern, message):
    with pytest.raises(UserError, match=message):
        expand_braces(pattern)


def test_wildcards_give_the_files_of_the_first_place_sorted(tmp_path, make, monkeypatch):
    for name in ("data/f-1.tar", "data/f-0.tar", "here/f-7.tar"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        make.pack(tmp_path / name, {})
    monkeypatch.setenv(VARIABLE, str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path / "here")
    found = find_shards("f-*.tar", "x")
    assert found == {n: tmp_path / "data" / n for n in ("f-0.tar", "f-1.tar")}
    assert find_shards("f-7.t?r", "x") == {"f-7.tar": tmp_path / "here" / "f-7.tar"}
    absolute = str(tmp_path / "data" / "f-[01].tar")
    assert list(find_shards(absolute, "x")) == [str(tmp_path / f"data/f-{i}.tar") for i in (0, 1)]


def test_missing_shards_are_counted_and_one_is_named(tmp_path, make):
    make.pack(tmp_path / "f-1.tar", {})
    with pytest.raises(UserError, match=rf"x: 2 of 3 shards are missing, such as `f-0.tar` was not found. Looked for\n    {tmp_path}/f-0.tar\n  Put it there, or set {VARIABLE}"):  # fmt: skip
        find_shards("f-{0..2}.tar", "x")
    with pytest.raises(UserError, match=r"x: `g-\*.tar` was not found. Looked for"):
        find_shards("g-*.tar", "x")


@pytest.mark.parametrize(("suffix", "name"), [(".gz", "gzip"), (".bz2", "bzip2"), (".xz", "xz")])
def test_a_compressed_shard_is_refused_with_the_remedy(tmp_path, make, suffix, name):
    make.pack(tmp_path / f"f.tar{suffix}", {"a.jpg": b"x"})
    with pytest.raises(UserError, match=rf"x: .*f.tar{suffix} is compressed \({name}\).*decompress the shard and name the .tar"):  # fmt: skip
        find_shards(f"f.tar{suffix}", "x")


def test_an_address_or_a_folder_is_no_shard(tmp_path):
    with pytest.raises(UserError, match="x: shards are read where they lie, not over the network"):
        find_shards("https://example.org/a-{0..3}.tar", "x")
    (tmp_path / "d.tar").mkdir()
    with pytest.raises(UserError, match=r"x: .*d.tar is not a file"):
        find_shards("d.tar", "x")


# --- listing ----------------------------------------------------------------------------------


def test_a_sample_is_an_image_with_what_its_json_says(listed):
    listing = listed(
        {
            "0001.jpg": b"first",
            "0001.json": about(label="ann", camera="c1", age=31, glad=True, box=[1, 2], note=None),
            "0002.json": about(label="bob", score=0.5),
            "0002.PNG": b"second!",
            "0002.txt": b"ignored",
        }
    )
    assert listing["image_id"].tolist() == ["0001", "0002"]
    assert listing["label"].tolist() == ["ann", "bob"]
    assert listing["size"].tolist() == [5, 7]
    assert listing["camera"].tolist() == ["c1", ""]
    assert listing["age"].tolist() == ["31", ""]
    assert listing["glad"].tolist() == ["true", ""]
    assert listing["note"].tolist() == ["", ""]
    assert listing["score"].tolist() == ["", "0.5"]
    assert "box" not in listing
    assert "split" not in listing


def test_labels_come_from_where_the_study_says(listed):
    members = {
        "set/ann/1.jpg": b"x",
        "set/ann/1.cls": b"17\n",
        "set/ann/1.json": about(label="json", who=3),
    }
    for settings, label in [
        ({}, "json"),
        ({"label_key": "who"}, "3"),
        ({"label_from": "cls"}, "17"),
        ({"label_from": "folder"}, "ann"),
    ]:
        assert listed(members, **settings)["label"].tolist() == [label]


def test_what_is_not_used_as_label_or_split_stays_under_another_name(listed):
    members = {"a/1.jpg": b"x", "a/1.json": about(label="l", split="train", row=7, part="p")}
    listing = listed(members, label_from="folder")
    assert listing[["label_given", "split_given", "row_given"]].iloc[0].tolist() == ["l", "train", "7"]  # fmt: skip
    listing = listed(members, split_key="part")
    assert listing["split"].tolist() == ["p"]
    assert "part" not in listing


@pytest.mark.parametrize(
    ("members", "settings", "message"),
    [
        ({"1.jpg": b"x"}, {}, "s-0.tar: sample `1` has no .json file: label_from is `json`"),
        ({"1.jpg": b"x", "1.json": about(lable="a")}, {}, "sample `1` has no text or whole number `label` in its .json; did you mean `lable`"),
        ({"1.jpg": b"x", "1.json": about(label=True)}, {}, "no text or whole number `label`"),
        ({"1.jpg": b"x", "1.json": about(label=" ")}, {}, "no text or whole number `label`"),
        ({"1.jpg": b"x", "1.json": about(label=["a"])}, {}, "no text or whole number `label`"),
        ({"1.jpg": b"x", "1.json": b"{"}, {}, "s-0.tar: 1.json: no valid JSON"),
        ({"1.jpg": b"x", "1.json": b"[" * 100_000}, {}, "s-0.tar: 1.json: no valid JSON"),
        ({"1.jpg": b"x", "1.json": b"\xff\xfe"}, {}, "s-0.tar: 1.json is no text in UTF-8"),
        ({"1.jpg": b"x", "1.json": b"[1]"}, {}, "s-0.tar: 1.json: holds no JSON object"),
        ({"1.jpg": b"x", "1.json": b'{"label": "\\ud800"}'}, {}, "`label` is not in UTF-8"),
        ({"1.jpg": b"x", "1.json": about(label="a", row=1, row_given=2)}, {}, "two of its keys would give columns of one name"),
        ({"1.jpg": b"x", "1.cls": b" \n"}, {"label_from": "cls"}, "has no .cls file, or an empty one"),
        ({"1.jpg": b"x"}, {"label_from": "folder"}, "sample `1` lies in no folder"),
        ({"a/1.jpg": b"x", "a/1.png": b"x"}, {"label_from": "folder"}, r"sample `a/1` has two images \(.jpg, .png\)"),
        ({"a/1.jpg": b"x", "a/1.JPG": b"x"}, {"label_from": "folder"}, "sample `a/1` has two files .jpg"),
        ({"a/1.left.jpg": b"x", "a/1.right.jpg": b"x"}, {"label_from": "folder"}, "holds no image; s-0.tar: a/1 with .left.jpg, .right.jpg"),
        ({"README": b"x"}, {}, "holds no image; needs samples such as 0001.jpg"),
        ({"a/1.jpg": b"x", "a/2.jpg": b"x", "a/1.json": about(), "a/1.webp": b"y"}, {"label_from": "folder"}, "sample `a/1` stands twice, apart in s-0.tar; the files of a sample must lie side by side"),
    ],
)  # fmt: skip
def test_samples_that_cannot_be_used_are_refused(listed, members, settings, message):
    with pytest.raises(UserError, match=message):
        listed(members, **settings)


def test_one_key_in_two_shards_is_refused(tmp_path, make):
    for i in (0, 1):
        make.pack(tmp_path / f"s-{i}.tar", {"a/1.jpg": b"x"})
    found = find_shards("s-{0..1}.tar", "x")
    with pytest.raises(UserError, match=r"sample `a/1` stands twice, in s-0.tar and in s-1.tar"):
        read_listing(found, source(label_from="folder"))


def test_odd_names_are_taken_as_webdataset_takes_them(listed, caplog):
    long = "l" * 300
    listing = listed(
        {
            "./ann/1.jpg": b"x",
            "b.c/two words.seg.png": b"a second picture of the next one",
            "b.c/two words.jpg": b"x",
            "Ünï/çödé 图.webp": b"x",
            f"{long}/1.jpg": b"x",
            "new\nline/1.jpg": b"x",
            "ann/._1.jpg": b"resource fork",
            "ann/.DS_Store": b"x",
            "ann/plain": b"x",
            "ann/notes.txt": b"x",
        },
        label_from="folder",
    )
    keys = ["ann/1", "b.c/two words", "Ünï/çödé 图", f"{long}/1", "new\nline/1"]
    assert listing["image_id"].tolist() == keys
    assert listing["label"].tolist() == ["ann", "b.c", "Ünï", long, "new\nline"]
    assert "1 samples without image passed over, such as s-0.tar: ann/notes with .txt" in caplog.text  # fmt: skip


def test_a_name_that_is_no_utf8_is_refused(tmp_path):
    with tarfile.open(tmp_path / "s-0.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("a/\udce9.jpg"))
    with pytest.raises(UserError, match="is not in UTF-8"):
        read_listing(find_shards("s-0.tar", "x"), source(label_from="folder"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_are_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "s-0.tar", "w") as archive:
        link = tarfile.TarInfo("a/1.jpg")
        link.type, link.linkname = kind, "../../secret.jpg"
        archive.addfile(link)
    with pytest.raises(UserError, match=r"s-0.tar: 'a/1.jpg' is no plain file but a link or the like"):  # fmt: skip
        read_listing(find_shards("s-0.tar", "x"), source(label_from="folder"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda c: b"", "empty file"),
        (lambda c: b"<html>" * 200, "no tar, or truncated"),
        (lambda c: c[:700], "no tar, or truncated"),
        (lambda c: c[:1024], "its end is missing"),
        (lambda c: c[:1024] + b"?" * 512 + c[1536:], "its end is missing"),
        (lambda c: c[:2048], "its end is missing"),
    ],
)
def test_a_damaged_shard_is_refused_and_never_read_as_a_shorter_one(
    tmp_path, make, damage, message
):
    file = make.pack(tmp_path / "s-0.tar", {"a/1.jpg": b"x" * 512, "a/2.jpg": b"y" * 512})
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UserError, match=rf"s-0.tar: no tar, or truncated.*{message}|{message}"):
        read_listing({"s-0.tar": file}, source(label_from="folder"))


@given(
    st.lists(
        st.tuples(st.from_regex(r"[a-z]{1,3}", fullmatch=True), st.binary(min_size=1, max_size=700)),
        min_size=1,
        max_size=12,
        unique_by=lambda s: s[0],
    ),
    st.integers(1, 4),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT]),
)  # fmt: skip
def test_bytes_are_found_where_the_listing_says(tmp_path_factory, samples, count, form):
    folder = tmp_path_factory.mktemp("shards")
    files = {}
    for shard in range(count):
        file = folder / f"{shard}.tar"
        with tarfile.open(file, "w", format=form) as archive:
            for i, (key, content) in enumerate(samples):
                if i % count == shard or i == 0:
                    name = f"p{shard}/{key}.png" if i == 0 else f"q/{key}.png"
                    info = tarfile.TarInfo(name)
                    info.size = len(content)
                    archive.addfile(info, io.BytesIO(content))
        files[str(file)] = file
    listing = read_listing(files, source(label_from="folder"))
    read = dict(zip(listing["image_id"], contents(shards_of(files), listing), strict=True))
    expected = {f"p{shard}/{samples[0][0]}": samples[0][1] for shard in range(count)}
    expected |= {f"q/{key}": content for key, content in samples[1:]}
    assert {key: content for key, (_, content) in read.items()} == expected


def test_many_samples_come_in_pieces_and_stay_in_order(tmp_path, make, monkeypatch):
    from unispace.data.sources import shards

    monkeypatch.setattr(shards, "_CHUNK", 3)
    members = {f"{i:02d}.jpg": b"x" * i for i in range(1, 11)}
    # A key that comes late is a column of all.
    members |= {f"{i:02d}.json": about(label=i, **({"late": "y"} if i > 8 else {})) for i in range(1, 11)}  # fmt: skip
    make.pack(tmp_path / "s-0.tar", dict(sorted(members.items())))
    listing = read_listing(find_shards("s-0.tar", "x"), source())
    assert listing["size"].tolist() == list(range(1, 11))
    assert listing["label"].tolist() == [str(i) for i in range(1, 11)]
    assert listing["late"].tolist() == [""] * 8 + ["y"] * 2


# --- from shards to a store ---------------------------------------------------------------------

LABELS = ("ann", "bob", "cat")


@pytest.fixture
def both(tmp_path, make):
    """The same nine images as a folder and in two shards; prepares either."""
    names = [f"{label}/{i}.png" for label in LABELS for i in range(3)]
    images = {name: make.picture(k, 8 + k) for k, name in enumerate(names)}
    for name, content in images.items():
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(content)
    for shard, part in groupby(names, key=lambda n: int(n > "bob/1")):
        make.pack(tmp_path / f"s-{shard}.tar", {name: images[name] for name in part})

    def run(source, out, **settings):
        dataset = Dataset.model_validate({"domain": "face_hq", "source": source, **settings})
        prepare("faces", dataset, 1, None, tmp_path / out)
        return read_manifest(tmp_path / out / "manifest.parquet"), ImageStore(
            tmp_path / out / "images.npy"
        )

    return run


IN_SHARDS = {"kind": "shards", "path": "s-{0..1}.tar", "label_from": "folder"}
IN_FOLDER = {"kind": "folder", "path": "set"}


@pytest.mark.parametrize("settings", [{}, {"max_images_per_label": 2}, {"max_labels": 2}])
def test_a_network_sees_the_same_from_shards_as_from_a_folder(both, settings):
    # Ids differ by the suffix, so that a choice of images by their hash does; a choice of labels does not.
    folder, stored = both(
        IN_FOLDER, "a", **({} if "max_images_per_label" in settings else settings)
    )
    shards, referenced = both(IN_SHARDS, "b", **settings)
    key = folder["image_id"].str.removesuffix(".png")
    folder = folder[key.isin(shards["image_id"])]
    assert shards["image_id"].tolist() == key[folder.index].tolist()
    assert shards["label"].tolist() == folder["label"].tolist()
    assert shards["split"].tolist() == folder["split"].tolist()
    assert set(shards["source"]) == {"shards:faces"}
    assert not {"shard", "offset", "size", "member"} & set(shards.columns)
    order = np.random.default_rng(0).permutation(len(shards))
    for size, how in ((8, "bicubic"), (24, "bilinear")):
        assert np.array_equal(
            referenced.batch(shards["row"].to_numpy()[order], size, how),
            stored.batch(folder["row"].to_numpy()[order], size, how),
        )


def test_images_stay_in_their_shards(both, tmp_path):
    _, store = both(IN_SHARDS, "b")
    assert len(store) == 9
    assert (tmp_path / "b/images.npy").stat().st_size < 1200
    # The store names no place of this machine.
    assert str(tmp_path).encode() not in (tmp_path / "b/images.npy").read_bytes()


def test_an_unreadable_image_stops_or_is_left_out(both, tmp_path, make):
    members = {f"ann/{i}.png": make.picture(i) for i in range(3)} | {"ann/3.png": b"no image"}
    make.pack(tmp_path / "s-0.tar", dict(sorted(members.items(), reverse=True)))
    with pytest.raises(UserError, match=r"s-0.tar: ann/3: cannot be read as an image .*\n.*`unreadable: skip` in datasets.faces"):  # fmt: skip
        both({**IN_SHARDS, "path": "s-0.tar"}, "b")
    manifest, store = both({**IN_SHARDS, "path": "s-0.tar"}, "b", unreadable="skip")
    assert manifest["image_id"].tolist() == ["ann/2", "ann/1", "ann/0"]
    assert [store.image(row).size for row in range(3)] == [(8, 8)] * 3
    assert read_left_out(tmp_path / "b/left_out.json") == LeftOut(4, ("ann/3",))


def test_splits_of_the_samples_are_taken(tmp_path, make, both):
    members = {}
    for i, (label, split) in enumerate([("a", "learn"), ("a", "query"), ("a", "query")]):
        members[f"{i}.png"] = make.picture(i)
        members[f"{i}.json"] = about(label=label, part=split)
    make.pack(tmp_path / "j.tar", members)
    source = {"kind": "shards", "path": "j.tar", "split_key": "part"}
    splits = {"by": "manifest", "rename": {"learn": "train"}}
    manifest, _ = both(source, "b", splits=splits)
    assert manifest["split"].tolist() == ["train", "query", "query"]
    with pytest.raises(ValueError, match=r"name the key of the splits in source\.split_key"):
        both({"kind": "shards", "path": "j.tar"}, "c", splits=splits)


def test_a_label_key_without_json_is_refused():
    with pytest.raises(ValueError, match="label_key only goes with `label_from: json`"):
        source(label_from="cls", label_key="who")


def test_settings_that_went_through_a_job_are_the_same():
    settings = source(label_from="cls")
    assert ShardsSource.model_validate(settings.model_dump(mode="json")) == settings


# --- what reruns --------------------------------------------------------------------------------


def test_content_decides_and_not_the_time_of_a_shard(both, tmp_path):
    shards, raw = source(path="s-{0..1}.tar"), tmp_path / "raw"
    before = content_of(shards, "faces", raw)
    os.utime(tmp_path / "s-0.tar", (1, 1))
    assert content_of(shards, "faces", raw) == before
    content = bytearray((tmp_path / "s-0.tar").read_bytes())
    content[600] ^= 1
    (tmp_path / "s-0.tar").write_bytes(content)
    assert content_of(shards, "faces", raw) != before

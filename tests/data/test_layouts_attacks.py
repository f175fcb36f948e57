"""Layouts of presentation attacks and morphs: bona fide and attack, which kind, and of whom."""

import json

import pytest

from unispace.errors import UserError


def lines(*rows):
    return ("\r\n".join(rows) + "\r\n").encode()


def columns(listing, *names):
    return list(listing[list(names)].itertuples(index=False, name=None))


def test_frames_of_videos(read_layout):
    names = ["train/s01/bona_fide/v1/0001.png", "devel/s02/print/v2/0001.png", "test/s03/replay/v3/0009.jpg"]  # fmt: skip
    listing = read_layout("attack-frames", [*names, "test/s03/loose.png"], "oulu-npu-frames.zip")
    assert columns(listing, "split", "subject", "label", "session") == [
        ("train", "s01", "bona_fide", "v1"),
        ("devel", "s02", "print", "v2"),
        ("test", "s03", "replay", "v3"),
    ]


def test_folders_of_morphs(read_layout):
    names = ["train/bona_fide/1.png", "test/LMA/a/2.png", "test/MIPGAN-I/3.png"]
    listing = read_layout("attack-folders", names, "mad22.zip")
    assert columns(listing, "split", "label") == [
        ("train", "bona_fide"),
        ("test", "LMA"),
        ("test", "MIPGAN-I"),
    ]


def test_nuaa(read_layout):
    names = [
        "raw/ClientRaw/0001/0001_00_00_01_0.jpg",
        "raw/ClientRaw/0002/0002_01_05_03_115.jpg",
        "raw/ImposterRaw/0001/0001_00_00_01_0.jpg",
        "raw/ImposterRaw/0002/0002_00_00_02_3.jpg",
    ]
    lists = {
        "raw/client_train_raw.txt": lines(r"0001\0001_00_00_01_0.jpg"),
        "raw/client_test_raw.txt": lines(r"0002\0002_01_05_03_115.jpg"),
        "raw/imposter_train_raw.txt": lines(r"0001\0001_00_00_01_0.jpg"),
        "raw/imposter_test_raw.txt": lines(r"0002\0002_00_00_02_3.jpg"),
    }
    listing = read_layout("nuaa", names, "nuaa-raw.zip", lists)
    assert columns(listing, "label", "subject", "session", "split") == [
        ("bona_fide", "0001", "01", "train"),
        ("bona_fide", "0002", "03", "test"),
        ("print", "0001", "01", "train"),
        ("print", "0002", "02", "test"),
    ]


LIVE, SPOOF = "Data/train/1/live/000184.jpg", "Data/test/2/spoof/000185.png"


def labels(kinds):
    return json.dumps({key: [0] * 40 + [kind, 0, 0] for key, kind in kinds.items()}).encode()


def celeba(train, test):
    root = "CelebA_Spoof/metas/intra_test"
    return {f"{root}/train_label.json": train, f"{root}/test_label.json": test}


def test_celeba_spoof(read_layout):
    names = [f"CelebA_Spoof/{LIVE}", f"CelebA_Spoof/{SPOOF}"]
    lists = celeba(labels({LIVE: 0}), labels({SPOOF: 7}))
    listing = read_layout("celeba-spoof", names, "CelebA_Spoof.zip", lists)
    assert columns(listing, "label", "subject", "split") == [
        ("bona_fide", "1", "train"),
        ("pc", "2", "test"),
    ]


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (labels({LIVE: 3}), "000184.jpg lies in live, its label says `a4`"),
        (labels({LIVE: 11}), "says no kind of attack for Data/train/1/live/000184.jpg"),
        (b'{"Data/train/1/live/000184.jpg": 1}', "says no kind of attack for"),
        (b"{", r"train_label\.json is damaged"),
        (b"[]", r"train_label\.json holds no JSON object"),
        (labels({"Data/train/1/live/9.jpg": 0}), "not in it, such as Data/train/1/live/9.jpg"),
    ],
)
def test_wrong_labels_of_celeba_spoof_are_named(read_layout, train, message):
    names = [f"CelebA_Spoof/{LIVE}", f"CelebA_Spoof/{SPOOF}"]
    lists = celeba(train, labels({SPOOF: 7}))
    with pytest.raises(UserError, match=message):
        read_layout("celeba-spoof", names, "c.zip", lists)

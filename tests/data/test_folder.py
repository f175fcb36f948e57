"""A folder of images: what is listed, and a fingerprint that sees every change and reads no file twice."""

import os

import pytest

from unispace.data.sources import fingerprints as module
from unispace.data.sources.folder import contents, fingerprint, passed_over, read_listing
from unispace.errors import UserError


@pytest.fixture
def images(tmp_path, make):
    root = tmp_path / "people"
    for i, name in enumerate(["bob/2.jpg", "ann/b/3.PNG", "ann/1.png", "Zoë 张/ü.webp"]):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(make.picture(i))
    return root


NAMES = ["Zoë 张/ü.webp", "ann/1.png", "ann/b/3.PNG", "bob/2.jpg"]


def test_subfolders_are_labels_and_paths_are_ids(images):
    listing = read_listing(images)
    assert listing["image_id"].tolist() == NAMES
    assert listing["member"].tolist() == NAMES
    assert listing["label"].tolist() == ["Zoë 张", "ann", "ann", "bob"]


def test_images_are_read_in_the_order_asked_for(images):
    read = list(contents(images, NAMES[::-1]))
    assert read == [(name, (images / name).read_bytes()) for name in NAMES[::-1]]


def test_hidden_files_other_files_and_loose_images_are_left_out(images, make):
    for name in [".hidden/1.png", "ann/.1.png", "ann/.thumbs/1.png", "ann/notes.txt", "ann/x", "1.png", "Thumbs.db"]:  # fmt: skip
        (images / name).parent.mkdir(exist_ok=True)
        (images / name).write_bytes(make.picture(1))
    (images / "ann" / "folder.png").mkdir()
    (images / "empty").mkdir()
    assert read_listing(images)["image_id"].tolist() == NAMES
    assert passed_over(images) == {
        "subfolders without images": ["empty"],
        "images outside the subfolders, which have no label": ["1.png"],
        "files that are no images by their ending": ["ann/notes.txt", "ann/x"],
    }


def test_of_a_folder_that_holds_images_alone_nothing_is_passed_over(images):
    (images / "ann" / "Thumbs.db").touch()
    (images / ".DS_Store").touch()
    assert passed_over(images) == {}


def test_a_linked_image_counts_as_an_image(images):
    (images / "bob" / "3.jpg").symlink_to(images / "bob" / "2.jpg")
    assert "bob/3.jpg" in set(read_listing(images)["image_id"])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (None, "people: not a folder; it needs one subfolder per identity or class"),
        ([], "people: holds no subfolder; .* such as people/alice/1.jpg"),
        (["1.jpg", ".git/1.jpg"], "people: holds no subfolder"),
        (["ann/notes.txt"], r"people: no images in its subfolders \(looked for .*\.jpg"),
    ],
)
def test_a_folder_without_images_is_refused(tmp_path, files, message):
    root = tmp_path / "people"
    if files is None:
        root.write_bytes(b"a file")
    for name in files or []:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    if files == []:
        root.mkdir()
    with pytest.raises(UserError, match=message):
        read_listing(root)


def test_a_name_that_no_table_can_hold_is_refused(images):
    (images / "ann" / os.fsdecode(b"\xff.png")).touch()
    with pytest.raises(UserError, match=r"the file name 'ann/.*' is not in UTF-8; rename it"):
        read_listing(images)


def test_an_image_that_went_away_is_named(images):
    (images / "bob/2.jpg").unlink()
    with pytest.raises(UserError, match=r"bob/2.jpg: cannot be read \(No such file"):
        list(contents(images, NAMES))


CHANGES = {
    "content": lambda root: (root / "ann/1.png").write_bytes(b"other"),
    "name": lambda root: (root / "ann/1.png").rename(root / "ann/9.png"),
    "label": lambda root: (root / "ann/1.png").rename(root / "bob/1.png"),
    "removal": lambda root: (root / "ann/1.png").unlink(),
    "addition": lambda root: (root / "ann/2.png").write_bytes(b"new"),
    "same size": lambda root: (root / "ann/1.png").write_bytes(
        (root / "ann/1.png").read_bytes()[::-1]
    ),
    "swap": lambda root: swap(root / "ann/1.png", root / "bob/2.jpg"),
}


def swap(one, other):
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("cached", [True, False])
def test_a_change_of_names_or_contents_changes_the_fingerprint(tmp_path, images, change, cached):
    cache = tmp_path / "cache.json"
    before = fingerprint(images, cache)
    CHANGES[change](images)
    if not cached:
        cache.unlink()
    assert fingerprint(images, cache) != before


def test_what_is_no_image_does_not_change_the_fingerprint(tmp_path, images):
    before = fingerprint(images, tmp_path / "cache.json")
    (images / "ann" / "notes.txt").write_text("x")
    (images / "ann" / ".1.png").write_text("x")
    os.utime(images / "ann" / "1.png", (1, 1))
    assert fingerprint(images, tmp_path / "cache.json") == before


def test_a_copy_elsewhere_has_the_same_fingerprint(tmp_path, images):
    before = fingerprint(images, tmp_path / "cache.json")
    moved = images.rename(tmp_path / "moved")
    assert fingerprint(moved, tmp_path / "other.json") == before
    assert fingerprint(moved, tmp_path / "cache.json") == before


@pytest.fixture
def reads(monkeypatch):
    names = []
    real = module.sha256_of

    def counted(path):
        names.append(path.name)
        return real(path)

    monkeypatch.setattr(module, "sha256_of", counted)
    return names


def test_only_new_and_changed_files_are_read_again(tmp_path, images, reads):
    cache = tmp_path / "cache.json"
    first = fingerprint(images, cache)
    assert sorted(reads) == ["1.png", "2.jpg", "3.PNG", "ü.webp"]
    reads.clear()
    assert fingerprint(images, cache) == first
    assert reads == []
    (images / "bob" / "2.jpg").write_bytes(b"changed")
    (images / "bob" / "4.jpg").write_bytes(b"new")
    fingerprint(images, cache)
    assert sorted(reads) == ["2.jpg", "4.jpg"]


def test_a_change_that_keeps_size_and_time_is_seen(tmp_path, images):
    file = images / "ann" / "1.png"
    cache = tmp_path / "cache.json"
    before, times = fingerprint(images, cache), file.stat()
    file.write_bytes(file.read_bytes()[::-1])
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # as tar and rsync do
    assert fingerprint(images, cache) != before


def test_another_folder_does_not_take_over_what_is_known_of_the_first(tmp_path, images, reads):
    cache = tmp_path / "cache.json"
    fingerprint(images, cache)
    reads.clear()
    images.rename(tmp_path / "moved")
    fingerprint(tmp_path / "moved", cache)
    assert len(reads) == 4


@pytest.mark.parametrize("content", ["", "{", "[]", '{"files": {}}', '{"ann/1.png": [1, 2, "x"]}'])
def test_a_damaged_cache_is_made_anew(tmp_path, images, content):
    cache = tmp_path / "cache.json"
    before = fingerprint(images, cache)
    whole = cache.read_text()
    cache.write_text(content)
    assert fingerprint(images, cache) == before
    assert cache.read_text() == whole

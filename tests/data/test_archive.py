"""A manifest archive is read in place, and nothing outside it is ever touched."""

import io
import stat
import tarfile
import zipfile

import pytest

from unispace.data.sources.archive import contents, open_archive, read_listing
from unispace.errors import UserError

ROWS = [("a/1.png", "ann", "train"), ("a/2.png", "ann", "test"), ("b/1.png", "bob", "test")]
FORMS = ["x.zip", "x.tar", "x.tar.gz", "x.tar.bz2", "x.tar.xz"]


@pytest.fixture
def members(make):
    images = {name: make.picture(i) for i, (name, _, _) in enumerate(ROWS)}
    return {"manifest.csv": make.table(ROWS), **images}


def below(folder, members):
    return {f"{folder}/{name}": content for name, content in members.items()}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("folder", [None, "faces", "./faces", ".", "deep/er"])
def test_an_archive_is_listed_and_read(tmp_path, make, members, form, folder):
    path = make.pack(tmp_path / form, below(folder, members) if folder else members)
    listing = read_listing(path, "manifest.csv")
    assert listing["image_id"].tolist() == [name for name, _, _ in ROWS]
    assert listing["label"].tolist() == ["ann", "ann", "bob"]
    assert listing["split"].tolist() == ["train", "test", "test"]
    read = dict(contents(path, list(listing["member"])))
    assert list(read) == listing["member"].tolist()
    assert list(read.values()) == [members[name] for name, _, _ in ROWS]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("form", FORMS)
def test_images_are_listed_in_the_order_of_the_archive(tmp_path, make, members, form):
    members["manifest.csv"] = make.table([ROWS[2], ROWS[0], ROWS[1]])
    listing = read_listing(make.pack(tmp_path / form, members), "manifest.csv")
    assert listing["image_id"].tolist() == ["a/1.png", "a/2.png", "b/1.png"]
    assert listing["label"].tolist() == ["ann", "ann", "bob"]


def test_the_table_nearest_to_the_top_counts(tmp_path, make, members):
    members["a/deep/manifest.csv"] = b"nonsense"
    listing = read_listing(make.pack(tmp_path / "x.zip", below("f", members)), "manifest.csv")
    assert len(listing) == 3


def test_a_table_of_another_name_and_folder_is_found(tmp_path, make, members):
    members["lists/all.csv"] = make.table([("1.png", "ann", "test")])
    members["lists/1.png"] = members["a/1.png"]
    listing = read_listing(make.pack(tmp_path / "x.zip", members), "lists/all.csv")
    assert listing["member"].tolist() == ["lists/1.png"]


def test_further_columns_are_kept_and_never_hide_our_own(tmp_path, make, members):
    columns = ("camera", "path", "identity_or_class", "split", "label", "row", "image_id")
    members["manifest.csv"] = make.table([("c1", *ROWS[0], "L", "9", "I")], columns)
    listing = read_listing(make.pack(tmp_path / "x.zip", members), "manifest.csv")
    row = listing.iloc[0].to_dict()
    assert row == {
        "camera": "c1", "image_id": "a/1.png", "member": "a/1.png", "label": "ann", "split": "train",
        "label_given": "L", "row_given": "9", "image_id_given": "I",
    }  # fmt: skip


def test_labels_stay_texts(tmp_path, make, members):
    members["manifest.csv"] = make.table([("a/1.png", "007", "test"), ("a/2.png", "NA", "test")])
    listing = read_listing(make.pack(tmp_path / "x.zip", members), "manifest.csv")
    assert listing["label"].tolist() == ["007", "NA"]


def test_quoted_cells_byte_order_mark_and_blank_lines_are_understood(tmp_path, make, members):
    text = '\ufeffpath,identity_or_class,split\r\n"a/1.png","Ann, of\nYork",test\r\n\r\n'
    members["manifest.csv"] = text.encode()
    listing = read_listing(make.pack(tmp_path / "x.zip", members), "manifest.csv")
    assert listing["label"].tolist() == ["Ann, of\nYork"]


HEAD = "path,identity_or_class,split\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,identity,split\na/1.png,x,y", "manifest.csv has no column `identity_or_class`; it needs path, identity_or_class, split"),
        ("path;identity_or_class;split\na/1.png;x;y", "no column `path`; it needs .*, separated by commas"),
        ("path,identity_or_class,split,path\na/1.png,x,y,z", "more than one column `path`"),
        ("path,identity_or_class,split,c,c\na/1.png,x,y,z,z", "two columns have one name"),
        ("", "has no column `path`"),
        (HEAD, "manifest.csv lists no image"),
        (HEAD + "a/1.png,ann,test\na/2.png, ,test", "manifest.csv, line 3: identity_or_class is empty"),
        (HEAD + '"a/1.png","ann\nlee",test\na/2.png,,test', "line 4: identity_or_class is empty"),
        (HEAD + "a/1.png,ann", "manifest.csv, line 2: 2 cells, needs 3"),
        (HEAD + "a/1.png,ann,test,more", "manifest.csv, line 2: 4 cells, needs 3"),
        (HEAD + 'a/1.png,"ann,test', "manifest.csv, line 2: no valid CSV"),
        (HEAD + "a/1.png,ann,test\na/3.png,ann,test\nc.png,x,y", "names 2 images that are not in the archive, such as f/a/3.png"),
        (HEAD + "a,ann,test", "names 1 images that are not in the archive, such as f/a"),
        (HEAD + "a/1.png,ann,test\na/1.png,bob,test", "names a/1.png twice"),
        (HEAD + "a/1.png,ann,test\n./a//1.png,bob,test", "names ./a//1.png twice"),
        (HEAD + "/etc/passwd,ann,test", "names /etc/passwd, which lies outside the archive"),
        (HEAD + "../f/a/1.png,ann,test", "names ../f/a/1.png, which lies outside the archive"),
    ],
)  # fmt: skip
def test_a_table_with_a_mistake_is_refused(tmp_path, make, members, text, message):
    members["manifest.csv"] = text.encode()
    path = make.pack(tmp_path / "x.tar", below("f", members))
    with pytest.raises(UserError, match=message) as caught:
        read_listing(path, "manifest.csv")
    assert str(path) in str(caught.value)


def test_a_table_that_is_no_utf8_is_refused(tmp_path, make, members):
    members["manifest.csv"] = HEAD.encode() + "a/1.png,Zoë,test".encode("latin-1")
    with pytest.raises(UserError, match=r"manifest\.csv is no text in UTF-8"):
        read_listing(make.pack(tmp_path / "x.zip", members), "manifest.csv")


def test_a_missing_table_is_named_with_the_nearest_file(tmp_path, make, members):
    path = make.pack(tmp_path / "x.zip", members)
    with pytest.raises(UserError, match=r"holds no `manifests\.csv`; did you mean `manifest\.csv`"):
        read_listing(path, "manifests.csv")


@pytest.mark.parametrize("form", ["x.zip", "x.tar", "x.tar.gz", "x.tar.xz"])
@pytest.mark.parametrize("keep", [0.13, 0.47, 0.83])
def test_a_truncated_archive_is_refused(tmp_path, make, form, keep):
    rows = [(f"{i}.png", "x", "test") for i in range(20)]
    images = {name: make.picture(i, 32) for i, (name, _, _) in enumerate(rows)}
    path = make.pack(tmp_path / form, {"manifest.csv": make.table(rows), **images})
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    with pytest.raises(UserError, match="truncated or damaged"):
        read_listing(path, "manifest.csv")


def test_a_tar_that_was_cut_between_two_images_lacks_images(tmp_path, make, members):
    path = make.pack(tmp_path / "x.tar", members)
    with tarfile.open(path) as archive:
        end = archive.getmember("a/2.png").offset
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(UserError, match=r"names 2 images that are not in the archive, such as a/2"):
        read_listing(path, "manifest.csv")


@pytest.mark.parametrize("form", FORMS)
def test_damage_in_an_archive_is_found_when_it_is_read(tmp_path, make, members, form):
    path = make.pack(tmp_path / form, members)
    whole = path.read_bytes()
    errors = 0
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:place] + b"\xa5\x5a\xa5\x5a" + whole[place + 4 :])
        try:
            dict(contents(path, list(read_listing(path, "manifest.csv")["member"])))
        except UserError:
            errors += 1
    # Every other exception fails this test. A plain tar has no checksum of contents: only heads count.
    assert errors > (1 if form == "x.tar" else 20)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK", b"PK\3\4 not really", b"\x1f\x8b\x08"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "x.tar"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"x\.tar: (no tar or zip archive|truncated or damaged)"):
        read_listing(path, "manifest.csv")


def test_a_missing_archive_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"x\.zip: not there"):
        read_listing(tmp_path / "x.zip", "manifest.csv")


def test_a_tar_that_ends_with_a_zip_is_a_tar(tmp_path, make, members):
    inner = make.pack(tmp_path / "inner.zip", {"other.txt": b"x"}).read_bytes()
    listing = read_listing(
        make.pack(tmp_path / "x.tar", {**members, "inner.zip": inner}), "manifest.csv"
    )
    assert len(listing) == 3


def test_an_encrypted_zip_is_refused(tmp_path, make, members):
    path = make.pack(tmp_path / "x.zip", members)
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(signature)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(signature, place + 1)
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"cannot be read \(.*password required.*without password"):
        read_listing(path, "manifest.csv")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("target", ["/etc/passwd", "../secret.png", "a/1.png"])
def test_a_link_in_a_tar_is_never_followed(tmp_path, make, members, kind, target):
    (tmp_path / "secret.png").write_bytes(make.picture(9))
    folder = tmp_path / "inner"
    folder.mkdir()
    members["manifest.csv"] = make.table([*ROWS, ("a/link.png", "ann", "test")])
    path = make.pack(folder / "x.tar", members)
    with tarfile.open(path, "a") as archive:
        link = tarfile.TarInfo("a/link.png")
        link.type, link.linkname = kind, target
        archive.addfile(link)
    with pytest.raises(UserError, match=r"names 1 images that are links, such as a/link.png; links are not followed"):  # fmt: skip
        read_listing(path, "manifest.csv")
    assert list(folder.iterdir()) == [path]


def test_a_link_in_a_zip_is_never_followed(tmp_path, make, members):
    members["manifest.csv"] = make.table([*ROWS, ("a/link.png", "ann", "test")])
    path = make.pack(tmp_path / "x.zip", members)
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("a/link.png")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UserError, match=r"images that are links, such as a/link.png"):
        read_listing(path, "manifest.csv")


def test_a_table_that_is_a_link_is_none(tmp_path, make, members):
    del members["manifest.csv"]
    path = make.pack(tmp_path / "x.tar", members)
    with tarfile.open(path, "a") as archive:
        link = tarfile.TarInfo("manifest.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(UserError, match=r"holds no `manifest.csv`"):
        read_listing(path, "manifest.csv")


def test_devices_and_folders_are_no_images(tmp_path, make, members):
    members["manifest.csv"] = make.table([("tty", "ann", "test")])
    path = make.pack(tmp_path / "x.tar", members)
    with tarfile.open(path, "a") as archive:
        device = tarfile.TarInfo("tty")
        device.type = tarfile.CHRTYPE
        archive.addfile(device)
    with pytest.raises(UserError, match="not in the archive, such as tty"):
        read_listing(path, "manifest.csv")


def test_members_with_outside_names_are_read_in_place_if_at_all(tmp_path, make, members):
    outside = {"../../escaped.png": b"x", "/tmp/unispace-escaped.png": b"x", **members}  # noqa: S108
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    path = make.pack(folder / "x.tar", outside)
    with open_archive(path) as archive:
        assert len(archive.files) == 6
    assert len(read_listing(path, "manifest.csv")) == 3
    assert {p.name for p in tmp_path.rglob("*")} == {"a", "b", "x.tar"}


def test_a_member_packed_twice_counts_as_the_later_one(tmp_path, make, members):
    path = make.pack(tmp_path / "x.tar", members)
    with tarfile.open(path, "a") as archive:
        info = tarfile.TarInfo("a/1.png")
        info.size = 5
        archive.addfile(info, io.BytesIO(b"later"))
    assert dict(contents(path, ["a/1.png"])) == {"a/1.png": b"later"}

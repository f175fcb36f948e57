"""The registry: every row is sound, mistakes in it are named, and a study can use it."""

import csv
import hashlib
import io
from pathlib import Path

import pytest

from unispace.config.study import Study
from unispace.data.preflight import check_sources
from unispace.data.registry import (
    COLUMNS,
    FILE_COLUMNS,
    TABLE,
    PublishedFile,
    lookup,
    read_registry,
    registry,
)
from unispace.data.registry_page import page_text
from unispace.errors import UserError
from unispace.records.files import write_json
from unispace.records.places import MIRROR, VARIABLE

ROOT = Path(__file__).resolve().parents[2]
ASKED_FOR = [
    "lfw",
    "cfp",
    "agedb30",
    "calfw",
    "cplfw",
    "casia-webface",
    "ijb-b",
    "ijb-c",
    "tinyface",
    "scface",
    "survface",
    "market1501",
    "cuhk03",
    "msmt17",
    "imagenet-1k",
    "imagenet-v2",
    "cifar10",
    "cifar100",
    "caltech101",
]
PAPER = [
    "food101",
    "cifar10",
    "cifar100",
    "sun397",
    "stanford-cars",
    "fgvc-aircraft",
    "dtd",
    "mnist",
    "flowers102",
    "stl10",
    "gtsrb",
    "country211",
    "rendered-sst2",
    "imagenet-v2",
]
ATTACKS = [
    "casia-fasd",
    "msu-mfsd",
    "oulu-npu",
    "replay-attack",
    "celeba-spoof",
    "nuaa",
    "smdd",
    "mad22",
    "mordiff",
]
ENTRIES = list(registry().values())
by_name = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)


def test_the_sets_of_the_papers_are_there():
    assert len(PAPER) == 14
    assert {*ASKED_FOR, *PAPER, *ATTACKS} <= set(registry())


def test_names_are_sorted_and_unique():
    with TABLE.open(encoding="utf-8", newline="") as stream:
        names = [row["name"] for row in csv.DictReader(stream)]
    assert names == sorted(set(names)) == list(registry())


def test_no_two_sets_share_an_archive():
    files = [file.name for entry in ENTRIES for file in entry.files]
    assert len(set(files)) == len(files)


@by_name
def test_an_entry_is_whole(entry):
    assert lookup(entry.name) is entry
    assert entry.access == "open" or entry.how_to_get
    if entry.access == "open":
        assert all(file.urls for file in entry.files)
    if entry.layout:
        entry.reader()
        assert entry.files
    else:
        with pytest.raises(UserError, match=f"`{entry.name}` .* has no reader .*`kind: folder`"):
            entry.reader()


def test_an_unknown_set_suggests_the_nearest():
    with pytest.raises(UserError, match=r"no registered set `cifar-10`; did you mean .*`cifar10`"):
        lookup("cifar-10")


ROW = {
    "name": "a", "title": "A", "domain": "object", "task": "t", "terms": "t", "access": "open", "citation": "c",
    "layout": "lfw",
}  # fmt: skip
FILE = {
    "name": "a", "file": "a.zip", "urls": "https://x.org/a.zip", "bytes": "7", "checksum": "md5:" + "0" * 32,
}  # fmt: skip


def written(columns, rows):
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def parsed(*rows, files=(FILE,)):
    return read_registry(written(COLUMNS, rows), "t.csv", written(FILE_COLUMNS, files), "f.csv")


def test_a_row_becomes_an_entry():
    entry = parsed(ROW)["a"]
    assert entry.identities is None
    assert entry.files == (
        PublishedFile("a.zip", ("https://x.org/a.zip",), 7, ("md5:" + "0" * 32,)),
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "A b"}, "name: `A b` must be of a-z, 0-9 and -"),
        ({"title": ""}, "title: must not be empty"),
        ({"domain": "objet"}, "domain: `objet`; did you mean `object`"),
        ({"access": "closed"}, "access: `closed`; allowed: open, request"),
        ({"access": "request"}, "how_to_get: must say where to ask"),
        ({"images": "0"}, "images: `0` is no whole number above 0"),
        ({"layout": "lwf"}, "layout: `lwf`; did you mean `lfw`"),
        ({"terms": " t"}, "terms: ` t` has spaces at an end"),
    ],
)
def test_a_wrong_row_is_named_with_line_and_column(change, message):
    with pytest.raises(UserError) as caught:
        parsed({**ROW, **change})
    assert f"t.csv, line 2: {message}" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bytes": "7 MB"}, "bytes: `7 MB` is no whole number"),
        ({"checksum": "md5:0"}, "checksum: `md5:0` must have 32 digits"),
        ({"checksum": "0" * 32}, f"checksum: `{'0' * 32}` must be algorithm:hex"),
        ({"file": "../a.zip"}, "file: `../a.zip` is no plain file name"),
        (
            {"file": "a.mat", "checksum": ""},
            "checksum: must not be empty, since a file of this kind",
        ),
        ({"urls": "ftp://x.org/a"}, "urls: `ftp://x.org/a` is no http"),
        ({"urls": " https://x.org/a"}, "urls: ` https://x.org/a` has spaces at an end"),
    ],
)
def test_a_wrong_row_of_a_file_is_named_with_line_and_column(change, message):
    with pytest.raises(UserError) as caught:
        parsed(ROW, files=[{**FILE, **change}])
    assert f"f.csv, line 2: {message}" in str(caught.value)


def test_sets_and_files_must_fit_together():
    two = [{**FILE, "file": f"a/{i}.zip"} for i in (1, 2)]
    assert [file.name for file in parsed(ROW, files=two)["a"].files] == ["a/1.zip", "a/2.zip"]
    with pytest.raises(UserError, match=r"the file 1\.zip must be `a/1\.zip`"):
        parsed(ROW, files=[{**two[0], "file": "1.zip"}, two[1]])
    with pytest.raises(UserError, match=r"the file a/1\.zip must be `1\.zip`"):
        parsed(ROW, files=two[:1])
    with pytest.raises(UserError, match="layout: is about files, and the set has none"):
        parsed(ROW, files=[])
    with pytest.raises(UserError, match="each of its files needs an address"):
        parsed(ROW, files=[two[0], {**two[1], "urls": ""}])
    with pytest.raises(UserError, match=r"f\.csv, line 3: file: `a\.zip` is there twice"):
        parsed(ROW, files=[FILE, FILE])
    with pytest.raises(UserError, match=r"f\.csv: name: no set `b` in t\.csv"):
        parsed(ROW, files=[FILE, {**FILE, "name": "b", "file": "b.zip"}])


def test_order_repetition_columns_and_cells():
    with pytest.raises(UserError, match="line 3: name: `a` stands below `b`"):
        parsed({**ROW, "name": "b", "layout": ""}, ROW)
    with pytest.raises(UserError, match="line 3: name: `a` is there twice"):
        parsed(ROW, ROW)
    with pytest.raises(UserError, match=r"t\.csv: the columns must be name, title"):
        read_registry("a,b\n", "t.csv", written(FILE_COLUMNS, []), "f.csv")
    with pytest.raises(UserError, match=r"f\.csv: the columns must be name, file"):
        read_registry(written(COLUMNS, []), "t.csv", "a,b\n", "f.csv")
    with pytest.raises(UserError, match="line 2: 2 cells, needs"):
        read_registry(",".join(COLUMNS) + "\na,b\n", "t.csv", written(FILE_COLUMNS, []), "f.csv")


def test_the_page_is_up_to_date():
    page = (ROOT / "docs" / "datasets.md").read_text("utf-8")
    assert page == page_text(registry()), "docs/datasets.md is out of date; run `make schema`"
    for entry in ENTRIES:
        assert f"\n## {entry.name}\n" in page


# --- before the first job ---------------------------------------------------------------------


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv(MIRROR, raising=False)
    monkeypatch.chdir(tmp_path)


def checked(name, domain="face_hq", splits=None, **source):
    dataset = {"domain": domain, "source": {"kind": "registered", "name": name, **source}}
    check_sources(
        Study.model_validate(
            {
                "study": "s",
                "datasets": {"d": dataset | ({"splits": splits} if splits else {})},
                "backbones": {
                    "b": {"architecture": "eva02_tiny_patch14_224", "weights": {"kind": "random"}}
                },
                "curricula": {"base": {}},
                "evaluation": {"datasets": ["d"]},
            }
        ),
        Path("data/raw"),
    )


def test_an_open_set_needs_nothing_before_the_first_job():
    checked("lfw")
    checked("cifar10", "object", {"by": "manifest"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lwf",), "datasets.d.source: no registered set `lwf`; did you mean `lfw`"),
        (("scface", "face_lq"), "datasets.d.source: registered set `scface` .* has no reader"),
        (("lfw", "face_hq", {"by": "manifest"}), "lfw names no splits; use `by: hash`"),
        (("lfw", "object"), "lfw is of domain face_hq, the data set is `object`"),
    ],
)
def test_what_a_set_cannot_give_is_told(arguments, message):
    with pytest.raises(UserError, match=message):
        checked(*arguments)


def test_a_set_that_must_be_asked_for_says_how_and_where_to_put_it(tmp_path, monkeypatch):
    with pytest.raises(UserError) as caught:
        checked("market1501", "person")
    text = str(caught.value)
    assert "Market-1501 is not published for download" in text
    assert "project_reid.html. Put the file Market-1501-v15.09.15.zip into the folder that UNISPACE_DATA" in text  # fmt: skip
    monkeypatch.setenv(VARIABLE, str(tmp_path / "sets"))
    (tmp_path / "sets").mkdir()
    file = tmp_path / "sets" / "Market-1501-v15.09.15.zip"
    file.write_bytes(b"wrong")
    with pytest.raises(UserError, match=f"{file}: wrong checksum"):
        checked("market1501", "person")


def test_a_set_that_was_asked_for_is_found_on_a_mirror_or_where_it_was_fetched(tmp_path):
    checked("market1501", "person", mirror="https://x.org/sets")
    (tmp_path / "CASIA-WebFace.zip").write_bytes(b"content")
    checked("casia-webface")
    with pytest.raises(UserError, match="wrong checksum"):
        checked("casia-webface", sha256="0" * 64)
    checked("casia-webface", sha256=hashlib.sha256(b"content").hexdigest())
    (tmp_path / "data" / "raw").mkdir(parents=True)
    (tmp_path / "CASIA-WebFace.zip").rename(tmp_path / "data" / "raw" / "CASIA-WebFace.zip")
    with pytest.raises(UserError, match="not on this machine"):
        checked("casia-webface")
    write_json(tmp_path / "data" / "raw" / "CASIA-WebFace.zip.json", {"sha256": "x"})
    checked("casia-webface")

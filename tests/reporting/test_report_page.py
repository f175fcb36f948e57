"""The page: complete, escaped, self-contained, the same every time."""

import dataclasses
import io
import itertools
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from reading import Reader, named_table, opened
from synthetic import build
from synthetic_config import default_config, only
from synthetic_disk import REPORT
from synthetic_page import draw_figure, render_page, stub_pictures
from synthetic_tradeoffs import material_of

from unispace.errors import UserError
from unispace.records.audit import SCHEMA as AUDIT
from unispace.records.models import HISTORY_SCHEMA
from unispace.records.results import SCHEMA
from unispace.records.tables import read_table, write_table
from unispace.reporting import page as page_module
from unispace.reporting.packing import room
from unispace.reporting.tables import number


@pytest.fixture(scope="module")
def reader(html):
    return Reader(html)


def full_table(reader):
    return next(t for t in reader.tables if "Origin" in t[0][-1])


def test_every_row_is_there_with_value_interval_n_and_protocol(reader, drawn):
    head, *lines = full_table(reader)
    head = [text.strip() for text in head]
    results = pd.read_parquet(drawn.results)
    shown = {
        tuple(line[head.index(c)] for c in ("Data set", "Method", "Metric", "Value", "95 % from",
                                            "to", "n", "Protocol", "Status"))
        for line in lines
    }  # fmt: skip
    assert len(lines) == len(results)
    for row in results.to_dict("records"):
        ok = row["status"] == "ok"
        numbers = [number(row[c]) if ok else "" for c in ("value", "lower", "upper")]
        expected = (
            row["dataset"], row["method"] if isinstance(row["method"], str) else "", row["metric"], numbers[0],
            *numbers[1:], f"{row['n']:,}", row["protocol"], row["status"],
        )  # fmt: skip
        assert expected in shown


def test_failed_cell_says_failed_and_why(html, drawn):
    assert "failed: FMR 0.001 needs 10000 impostor pairs, there are 4032" in opened(html)
    results = pd.read_parquet(drawn.results)
    assert f"{(results['status'] != 'ok').sum()} numbers of {len(results)} could not" in html


def test_task_table_holds_value_interval_and_n(reader, drawn):
    results = pd.read_parquet(drawn.results)
    row = results[(results["metric"] == "top-1")].iloc[0]
    cells = " ".join(c for line in named_table(reader, "Models by task") for c in line)
    interval = f"[{number(row['lower'])}, {number(row['upper'])}]"
    assert f"{number(row['value'])} {interval} n {row['n']:,}" in cells


def test_page_is_byte_identical_when_rendered_again(html, drawn):
    assert render_page(drawn, drawn.page.with_name("again.html")) == html


def test_page_loads_nothing(reader, html):
    sources = [a["src"] for tag, a in reader.tags if "src" in a]
    assert sources
    assert all(source.startswith("data:") for source in sources)
    assert not reader.all("link")
    assert not re.search(r"@import|url\(", html)
    assert "default-src 'none'" in html


def test_links_lead_somewhere(reader, drawn):
    ids = {a["id"] for _, a in reader.tags if "id" in a}
    for link in (a["href"] for a in reader.all("a")):
        if link.startswith("#"):
            assert link[1:] in ids
        elif not link.startswith("https://arxiv.org/"):
            assert (drawn.page.parent / link).is_file(), link


def test_page_is_accessible(reader):
    assert reader.all("html")[0]["lang"] == "en"
    assert all(len(image["alt"]) > 30 for image in reader.all("img"))
    assert all("scope" in head for head in reader.all("th"))
    assert {"main", "nav", "header", "footer"} <= {tag for tag, _ in reader.tags}
    ids = [a["id"] for _, a in reader.tags if "id" in a]
    assert len(ids) == len(set(ids))
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_page_is_small_enough_and_has_no_date(html):
    assert len(html) < 15_000_000
    text = re.sub(r'src="data:[^"]*"', "", html)
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b|\b\d\d:\d\d:\d\d\b", text)


def test_page_names_what_is_ours_and_what_is_synthetic(html):
    assert "The definition of IMIC is ours" in html
    assert "Images are rendered" in html
    assert "Low quality is synthetic" in html


def test_markup_in_a_study_is_shown_and_not_run(tmp_path):
    bad = "<script>alert(1)</script>"
    config = only(default_config(), "objects")
    config["report"] = {"title": f"Study {bad}"}
    disk = build(tmp_path, config)
    results = pd.read_parquet(disk.results)
    results["status"] = ["failed: " + bad, *results["status"][1:]]
    results["protocol"] = results["protocol"] + bad
    write_table(results, SCHEMA, disk.results)
    stub_pictures(disk)
    html = render_page(disk)
    assert bad not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


@pytest.mark.parametrize(
    ("datasets", "absent", "present"),
    [
        (("objects",), ("recognition", "maps"), ("tasks", "space", "training", "numbers")),
        (("faces", "bodies"), ("maps",), ("recognition", "tasks", "space")),
    ],
)
def test_studies_without_identities_classes_or_maps(tmp_path, datasets, absent, present):
    disk = build(tmp_path, only(default_config(), *datasets))
    stub_pictures(disk)
    draw_figure(disk, "tasks", disk.figures)
    draw_figure(disk, "views", disk.figures)
    reader = Reader(render_page(disk))
    ids = {a["id"] for _, a in reader.tags if "id" in a}
    assert not ids & set(absent)
    assert set(present) <= ids


def test_study_that_trains_nothing(tmp_path):
    config = only(default_config(), "objects")
    config["curricula"] = {"base": {}}
    del config["backbones"]["pixels"]
    config["backbones"]["eva02-micro"] |= {"weights": {"kind": "random"}}
    disk = build(tmp_path, config)
    history = disk.checkpoint("eva02-micro/pretrained") / "history.parquet"
    write_table(HISTORY_SCHEMA.empty_table().to_pandas(), HISTORY_SCHEMA, history)
    stub_pictures(disk)
    draw_figure(disk, "losses", disk.figures)
    html = render_page(disk)
    assert "random, never pretrained" in html
    assert "The definition of IMIC is ours" not in html


def test_the_audit_has_a_line_for_each_data_set(reader, drawn):
    head, *lines = named_table(reader, "Audit of the data")
    assert [line[0] for line in lines] == list(drawn.study.datasets)
    told = pd.read_parquet(drawn.audit).set_index(["dataset", "check", "subject"])["count"]
    for line in lines:
        cells = dict(zip(head, (cell.strip() for cell in line), strict=True))
        assert cells["Images"] == f"{12 * 12:,}"
        assert cells["Images of a label"] == "12"
        assert cells["Width pixels"] == "32"
        assert cells["Not chosen"] == "6"
        assert cells["Unreadable"] == "1"
        assert cells["Near copies"] == f"{told[line[0], 'near-duplicates', 'all']:,}"


def test_each_finding_of_the_audit_is_on_the_page(reader, drawn):
    _, *lines = named_table(reader, "Findings of the audit")
    audit = pd.read_parquet(drawn.audit)
    found = audit[audit["severity"] != "ok"]
    shown = [(line[0], line[2], line[3], line[4]) for line in lines]
    assert shown == [
        (row["dataset"], row["subject"], f"{row['count']:,}", row["detail"])
        for row in found.to_dict("records")
    ]
    assert ["things", "images that could not be read", "unreadable", "1", "torn.jpg"] in lines


def test_an_audit_without_findings_says_so_and_names_what_is_let_pass(tmp_path):
    config = only(default_config(), "objects")
    config["audit"] = {"allow": ["images:things:objects"]}
    disk = build(tmp_path, config)
    stub_pictures(disk)
    assert "let pass without need" in render_page(disk)
    audit = pd.read_parquet(disk.audit)
    clean = audit[(audit["severity"] == "ok") | (audit["check"] == "left-out")]
    write_table(clean.assign(severity="ok"), AUDIT, disk.audit)
    html = render_page(disk)
    assert "Nothing was found: no image stands twice" in html
    assert "Findings of the audit" not in html
    assert "these settings let pass <code>images:things:objects</code>." in html


def test_a_data_set_that_the_audit_has_not_seen_is_refused(tmp_path):
    disk = build(tmp_path, only(default_config(), "objects"))
    stub_pictures(disk)
    audit = pd.read_parquet(disk.audit)
    write_table(audit[audit["dataset"] != "objects"], AUDIT, disk.audit)
    with pytest.raises(UserError, match=r"the audit says nothing of .* of `objects`"):
        render_page(disk)


def test_variants_of_attack_detection_leave_the_full_table_where_they_are_too_many(monkeypatch):
    rows = pd.DataFrame(
        {
            "experiment": ["attack-detection"] * 4 + ["verification", "gelo", "gelo", "families"],
            "protocol": [
                *("probe", "probe", "probe/attack=print", "text:paper", "all-pairs"),
                *("linear-probe", "linear-probe/fixed-sets", "enrol-one"),
            ],
            "metric": [
                *("D-EER", "BPCER@APCER=0.1-of-val", "D-EER", "D-EER", "AUC"),
                *("GELO", "GELO", "Rank-1"),
            ],
            "method": [None] * 7 + ["ridge"],
        }
    )
    assert len(page_module._listed(rows)) == 8
    monkeypatch.setattr(page_module, "_ROW_BUDGET", 4)
    assert page_module._listed(rows).index.tolist() == [0, 3, 4, 5]
    assert {"all-pairs", "probe", "text:paper"} < {*page_module._protocols(rows)}


def test_the_page_of_a_large_study_keeps_its_limit(drawn, tmp_path, monkeypatch):
    """Figures of hundred thousands of points whose pictures are large too, and ten thousands of rows."""
    large = tmp_path / "figures"
    shutil.copytree(drawn.figures, large)
    rng = np.random.default_rng(0)
    points = " ".join(map(str, rng.integers(0, 7000, 500_000)))
    drawing = f'<svg viewBox="0 0 7000 7000"><path d="M{points}"/></svg>'
    noise = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (900, 1000, 3), dtype=np.uint8)).save(noise, "png")
    for name in list(drawn.drawn_from())[:9]:
        (large / f"{name}.svg").write_text(drawing)
        (large / f"{name}.png").write_bytes(noise.getvalue())
    rows = read_table(drawn.results, SCHEMA)
    many = pd.concat([rows] * (40_000 // len(rows)), ignore_index=True)
    for column in ("value", "lower", "upper"):
        many[column] += 1e-4 * rng.random(len(many))
    material = dataclasses.replace(material_of(drawn), folder=large)
    # Single models stand in tables that refuse two rows for one cell: many rows are for the last table alone.
    monkeypatch.setattr(page_module, "_listed", lambda results: many)
    html = page_module.render(material, REPORT, drawn.page)
    pictures = re.findall(r'<img src="data:image/(\S+?)[;"]', html)
    assert "webp" in pictures
    assert "This figure is not embedded, to keep the page small" in html
    assert len(html.encode()) < page_module.BUDGET
    sizes = dict(room(html))
    assert sum(sizes.values()) == len(html.encode())
    assert sizes["numbers"] > 200_000

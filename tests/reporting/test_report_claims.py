"""Verdicts on the page."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from synthetic_disk import HUMANS, REPORT, Disk
from synthetic_page import call, stub_pictures

from unispace.commands import render_report
from unispace.records.claims import CLAIMS_SCHEMA, PARTS_SCHEMA, VERDICTS
from unispace.records.tables import write_table
from unispace.reporting.claims_section import claims_section


def claim(name: str, verdict: str, **other):
    tested = verdict != "not testable"
    number = 0.0312 if tested else np.nan
    known = {
        "claim": name, "variant": "", "statement": f"Statement of {name}.", "source": "ours", "ours": f"Margin of {name}.",
        "family": "all", "verdict": verdict, "why": "" if tested else "no <numbers>",
        "about": "m/imic/seed0" if tested else "", "test": "above 0" if tested else "", "metric": "AUC",
        "effect": number, "lower": number - 0.01, "upper": number + 0.01, "n": 1234 if tested else 0, "unit": "identity",
        "p_value": number, "p_corrected": number * 2, "p_contrary": number, "p_contrary_corrected": number,
        "alpha": 0.05, "correction": "holm", "parts": 5 if tested else 0, "met": 4, "rows": 10,
        "seeds": 1, "seed_deviation": np.nan, "p_seeds": np.nan, "figure": "tasks",
    }  # fmt: skip
    return known | other


def tables(*claims):
    parts = [
        {
            **{
                "claim": c["claim"],
                "variant": c["variant"],
                "about": f"part {i}",
                "test": "above 0",
            },
            **{
                "metric": "AUC",
                "value": i / 10,
                "lower": 0.0,
                "upper": 1.0,
                "n": 10,
                "unit": "identity",
            },
            **{"p_value": 1 - i / 10, "p_contrary": 0.5, "rows": 2, "status": "ok"},
        }
        for c in claims
        for i in range(c["parts"])
    ]
    return (
        pd.DataFrame(claims, columns=CLAIMS_SCHEMA.names),
        pd.DataFrame(parts, columns=PARTS_SCHEMA.names),
    )


def test_every_verdict_is_told_by_a_word_and_a_sign_of_its_own():
    found = claims_section(tables(*(claim(f"c{i}", verdict) for i, verdict in enumerate(VERDICTS))))
    assert [line.verdict for line in found.lines] == list(VERDICTS)
    assert len({line.sign for line in found.lines}) == len(VERDICTS)
    assert found.counts == tuple((verdict, 1) for verdict in VERDICTS)


def test_a_line_has_interval_count_and_corrected_p_value():
    (line,) = claims_section(tables(claim("c", "supported"))).lines
    assert (line.number.value, line.number.interval, line.number.n) == (
        "0.031",
        "[0.021, 0.041]",
        "1,234",
    )
    assert (line.p_value, line.p_contrary) == ("0.062", "0.031")


def test_what_cannot_be_tested_has_no_number():
    (line,) = claims_section(tables(claim("c", "not testable"))).lines
    assert line.number is None
    assert (line.p_value, line.why) == ("", "no <numbers>")


def test_the_weakest_parts_of_a_claim_are_shown_and_the_others_counted():
    found = claims_section(tables(claim("c", "supported"), claim("d", "not testable")))
    assert [part.about for part in found.parts] == ["part 0", "part 1", "part 2"]
    assert found.left_out == 2


def test_the_spread_over_seeds_is_told():
    (line,) = claims_section(
        tables(claim("c", "supported", seeds=5, seed_deviation=0.0123, p_seeds=1 / 32))
    ).lines
    assert line.seeds == "5 seeds, deviation 0.0123, Wilcoxon p 0.031"


def test_without_claims_there_is_no_section():
    assert claims_section(None).lines == ()


def test_the_page_opens_with_the_claims_and_links_their_figures(disk: Disk, tmp_path):
    paths = tmp_path / "claims.parquet", tmp_path / "parts.parquet"
    claims = [
        claim(f"c{i}", verdict, parts=1 if verdict != "not testable" else 0)
        for i, verdict in enumerate(VERDICTS)
    ]
    claims.append(claim("other", "supported", figure="nothing", variant="imic-a"))
    for table, schema, path in zip(
        tables(*claims), (CLAIMS_SCHEMA, PARTS_SCHEMA), paths, strict=True
    ):
        write_table(table, schema, path)
    html = page(disk, tmp_path, paths)
    assert 0 < html.index('<section id="claims"') < html.index('<section id="summary"')
    section = html[html.index('<section id="claims"') : html.index('<section id="summary"')]
    for verdict in VERDICTS:
        assert re.search(rf"</span> {verdict}</span>", section)
    assert 'href="#figure-tasks"' in section
    assert 'id="figure-tasks"' in html
    # A figure that is not on the page is not linked, and what users wrote is escaped.
    assert "figure-nothing" not in section
    assert "no &lt;numbers&gt;" in section
    assert "<b>imic-a</b>" in section
    assert "Margin of c0." in section


def page(disk: Disk, folder, paths) -> str:
    if not disk.figures.is_dir():
        stub_pictures(disk)
    call(
        render_report,
        *("--settings", disk.page_settings(), "--templates", REPORT, "--results", disk.results),
        *("--people", disk.people, "--humans", HUMANS, "--claims", *paths),
        *("--audit", disk.audit, "--figures", disk.figures, "--page", folder / "index.html"),
        *("--manifests", *(disk.data(d) / "manifest.parquet" for d in disk.study.datasets)),
        *("--cards", *(disk.checkpoint(m) / "model.json" for m in disk.study.models())),
    )
    return (folder / "index.html").read_text("utf-8")

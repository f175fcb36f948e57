"""The page says where the time of its run went, and is the same in every byte beside that."""

import re

import pandas as pd
import pytest
from borne import unborne
from reading import Reader, named_table
from synthetic_disk import REPORT

from unispace.errors import UserError
from unispace.records.times import RuleTimes
from unispace.reporting.times_section import LastRun, fill_times, lacks_times, without_times

TIMES = [
    RuleTimes("draw_figure", 30, 154.3, 8.3, 40.0, 393.4),
    RuleTimes("train_model", 7, 95.7, 48.9, 120.0, 1672.0),
    RuleTimes("compare_humans", 1, 0.4, 0.4, None, None),
]
PAGE = "<p>before</p>\n<!-- times of the run -->\nempty\n<!-- end of the times -->\n<p>after</p>\n"


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "index.html"
    path.write_text(PAGE)
    return path


def words(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.read_text()).replace("&nbsp;", " "))


def test_what_took_most_of_the_processor_is_first(page):
    assert lacks_times(page)
    fill_times(page, REPORT, TIMES, LastRun(241.6, 2, 38))
    assert not lacks_times(page)
    head, *lines = named_table(Reader(page.read_text()), "Time and memory of each rule")
    assert [" ".join(h.split()) for h in head][:3] == ["Rule", "Jobs", "CPU seconds"]
    assert lines == [
        ["train_model", "7", "120", "75", "96", "49", "1,672"],
        ["draw_figure", "30", "40", "25", "154", "8", "393"],
        ["compare_humans", "1", "–", "0", "<1", "<1", "–"],
    ]
    assert "The run took 4 min 2 s on 2 cores." in words(page)
    assert "all jobs took 4 min 10 s, of which 2 min 40 s" in words(page)
    assert "train_model took most of it, 75 %." in words(page)


def test_a_run_of_few_jobs_says_so(page):
    fill_times(page, REPORT, TIMES, LastRun(7300, None, 2))
    assert "The last run took 2 h 1 min on other machines, with 2 of the 38 jobs" in words(page)
    fill_times(page, REPORT, TIMES)
    assert "all 38 jobs took 4 min 10 s" in words(page)
    assert "The last run" not in words(page)


def test_pages_are_equal_beside_the_times(page, html, drawn, tmp_path):
    assert without_times(html) != html
    other = tmp_path / "other.html"
    other.write_text(html)
    fill_times(other, REPORT, TIMES)
    filled = other.read_text()
    assert filled != html
    assert without_times(filled) == without_times(html)
    assert list(unborne(filled, pd.read_parquet(drawn.results))) == []
    before, after = filled.split("<!-- times of the run -->")
    assert html.startswith(before)
    assert html.endswith(after.split("<!-- end of the times -->")[1])


def test_a_page_without_a_place_for_times_is_refused(page):
    page.write_text("<p>old</p>")
    with pytest.raises(UserError, match="no place for times"):
        fill_times(page, REPORT, TIMES)

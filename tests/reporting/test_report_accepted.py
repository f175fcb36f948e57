import re

from synthetic import build
from synthetic_config import default_config, only
from synthetic_page import render_page, stub_pictures

from unispace.records.golden import Acceptance, add_acceptance


def page(tmp_path, *accepted):
    disk = build(tmp_path, only(default_config(), "objects"))
    stub_pictures(disk)
    for one in accepted:
        add_acceptance(one, disk.folder / "accepted.csv")
    return render_page(disk)


def test_the_page_says_why_results_are_expected_as_they_are(tmp_path):
    first = Acceptance("2026-01-31", "abc", 1234, 0, 0, 1234, "", "", "first results")
    then = Acceptance("2026-02-01", "def+", 1200, 7, 34, 0, "identification, Rank-1: +0.1", "x86_64 of Maker", "<i>ears</i>")  # fmt: skip
    found = page(tmp_path, first, then)
    table = found[found.index('id="expected"') :].split("</table>")[0]
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", table, re.DOTALL)
    shown = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip() for row in rows]
    assert shown == [
        "2026-02-01 &lt;i&gt;ears&lt;/i&gt; 1,200 7 34 0 identification, Rank-1: +0.1 x86_64 of Maker def+",
        "2026-01-31 first results 1,234 0 0 1,234 – – abc",
    ]


def test_a_page_of_which_nothing_is_expected_says_so(tmp_path):
    found = page(tmp_path)
    assert "Nothing is expected of this study yet" in found
    assert "Accepted changes" not in found

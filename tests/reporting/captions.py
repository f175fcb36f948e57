"""The captions of the page's figures, as its templates have them."""

from __future__ import annotations

import re
from html import unescape

from jinja2 import ChainableUndefined, Environment
from synthetic_disk import REPORT

_CALL = re.compile(r'call figure\("(\w+)", "([^"]*)".*?\) %\}\n(.*?)\n\{% endcall', re.DOTALL)


def page_captions() -> dict[str, tuple[str, str]]:
    """Title and text of each figure, of a study of which nothing is known, so that what depends on it is left out."""
    found = {}
    plain = Environment(undefined=ChainableUndefined, autoescape=True)
    for template in sorted(REPORT.glob("*.html.j2")):
        for name, title, body in _CALL.findall(template.read_text("utf-8")):
            text = re.sub(r"<[^>]+>", "", plain.from_string(body).render())
            # Of how many, that study does not say.
            text = re.sub(r"\bover 0 (\w+)", r"over \1", text)
            found[name] = (title, re.sub(r"\s+", " ", unescape(text)).strip())
    return found

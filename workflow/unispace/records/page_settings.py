"""The settings of a study as its page holds them: the record that travels with the results."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import yaml

from unispace.errors import UserError


def read_page_settings(page: Path) -> dict[str, Any] | None:
    """The settings that a page was made with, defaults included.

    Args:
        page: report/index.html of a study.

    Returns:
        The study as nested mappings; None where there is no page.

    Raises:
        UserError: where the page holds no settings.
    """
    if not page.is_file():
        return None
    blocks = _Blocks()
    blocks.feed(page.read_text("utf-8"))
    for text in blocks.found:
        if text.startswith("study:"):
            try:
                return yaml.safe_load(text)
            except yaml.YAMLError as error:
                raise UserError(f"{page}: its settings cannot be read: {error}") from error
    raise UserError(f"{page}: holds no settings of a study; render it again, or move it away")


class _Blocks(HTMLParser):
    """The texts of all blocks that are shown as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag == "pre":
            self.found.append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[-1] += data

"""Large parts of the page, made small: compressed as gzip, and written as base64 to stand in HTML.

Browsers open them by themselves (DecompressionStream, since 2023 in all of them), from a file as from a server.
"""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Iterator

_SECTION = re.compile(r'<section id="([^"]+)".*?</section>', re.DOTALL)


def packed(content: bytes) -> str:
    """Content as base64 of gzip, the same text for the same bytes: the header has no time."""
    return base64.b64encode(gzip.compress(content, compresslevel=9, mtime=0)).decode()


def unpacked(text: str) -> bytes:
    """What `packed` was given."""
    return gzip.decompress(base64.b64decode(text))


def room(html: str) -> Iterator[tuple[str, int]]:
    """What takes room on a page.

    Args:
        html: the page.

    Yields:
        Each section and its bytes, the largest first; last what stands outside of them, styles and script among it.
    """
    sections = [(part[1], len(part[0].encode())) for part in _SECTION.finditer(html)]
    yield from sorted(sections, key=lambda item: (-item[1], item[0]))
    yield "around them", len(html.encode()) - sum(size for _, size in sections)

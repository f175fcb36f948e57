"""Figures as small SVG files: what no screen shows is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Paths with a name are glyphs and markers, which are drawn at other scales.
_PATH = re.compile(r'(?<=<path d=")[^"]+')
_POINT = re.compile(r"([A-Za-z])([^A-Za-z]*)")


def compact(svg: str) -> str:
    """The same drawing with the points of its lines to a tenth of a unit (1/72 inch), level and upright ones in short.

    Matplotlib gives six digits after the point and a line of text for each corner of a staircase, which together are
    three quarters of a file of curves.
    """
    return _PATH.sub(lambda path: "".join(_shortened(path[0])), svg)


def _shortened(path: str) -> Iterator[str]:
    x = y = ""
    for command, text in _POINT.findall(path):
        numbers = [_rounded(number) for number in text.split()]
        last, (x, y) = (x, y), numbers[-2:] or ("", "")
        if command == "L" and y == last[1]:
            # A point on the spot stays: it is what makes a dot of a line without length.
            yield f"H{x}"
        elif command == "L" and x == last[0]:
            yield f"V{y}"
        else:
            yield command + " ".join(numbers)


def _rounded(number: str) -> str:
    short = f"{float(number):.1f}".removesuffix(".0")
    return "0" if short == "-0" else short

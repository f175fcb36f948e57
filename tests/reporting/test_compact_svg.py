"""SVG files with fewer digits show the same drawing."""

import re
from io import StringIO

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from unispace.reporting.figures.compact import compact

PIXELS = st.floats(-5000, 5000).map(lambda value: round(value, 6))
# Stairs have many levels in common.
POINTS = st.lists(
    st.tuples(PIXELS, PIXELS) | st.tuples(st.integers(-3, 3), st.integers(-3, 3)),
    min_size=1,
    max_size=30,
)


def points(path):
    """The points of a path of straight lines, as a browser finds them."""
    x, y, found = 0.0, 0.0, []
    for command, text in re.findall(r"([A-Z])([-\d. ]*)", path):
        numbers = [float(number) for number in text.split()]
        if command == "H":
            (x,) = numbers
        elif command == "V":
            (y,) = numbers
        else:
            x, y = numbers
        found.append((x, y))
    return np.array(found)


def path_of(svg):
    return re.search(r'<path d="([^"]*)"', svg)[1]


@given(POINTS)
def test_every_point_stays_and_none_moves_by_more_than_half_a_tenth(expected):
    path = "M " + " \nL ".join(f"{x:f} {y:f}" for x, y in expected) + " \n"
    small = compact(f'<path d="{path}" style="stroke-width: 0.123456"/>')
    np.testing.assert_allclose(points(path_of(small)), expected, atol=0.05 + 1e-9)
    assert len(small) < len(path) + 50
    assert "\n" not in small
    assert 'style="stroke-width: 0.123456"' in small


def test_curves_and_closed_paths_keep_their_commands():
    path = "M 0 1.25 \nL 0 3 \nQ 1.5 2 3.26 4 \nL 3.26 9 \nC 0 0 1 1 2 2 \nL 5 2 \nz\n"
    assert path_of(compact(f'<path d="{path}"/>')) == "M0 1.2V3Q1.5 2 3.3 4V9C0 0 1 1 2 2H5z"


def test_glyphs_markers_and_texts_are_not_touched():
    text = '<path id="m1" d="M 0 3.141593"/><use x="1.234567" y="2"/><text>M 3.141593</text>'
    assert compact(text) == text


def test_a_figure_of_stairs_takes_half_the_bytes():
    rng = np.random.default_rng(0)
    figure = Figure()
    FigureCanvasAgg(figure)
    figure.subplots().step(np.arange(300), rng.integers(0, 9, 300).cumsum())
    stream = StringIO()
    figure.savefig(stream, format="svg")
    before = stream.getvalue()
    after = compact(before)
    lines = [max(re.findall(r'<path d="([^"]*)"', svg), key=len) for svg in (before, after)]
    assert len(lines[1]) < 0.5 * len(lines[0])
    bare = [re.sub(r'<path d="[^"]+"', "", svg) for svg in (before, after)]
    assert bare[0] == bare[1]

"""How figures become files: laid out once, and the SVG is the one that matplotlib would have made by itself."""

from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PIL import Image

from unispace.reporting.figures.compact import compact
from unispace.reporting.figures.drawing import Drawing, legend_below, panels, save, styled, titled

STYLE = Path(__file__).parents[2] / "workflow/report/style.mplstyle"


def _figure() -> Drawing:
    figure, axes = panels(5, 3, (2.4, 2), sharex=True, sharey=True)
    for number, panel in enumerate(axes):
        titled(panel, f"panel {number}", "all pairs")
        panel.plot([0.001, 0.1, 1], [0.2, 0.5 + number / 10, 1])
        panel.set_xscale("log")
        panel.set_xlabel("FMR")
    axes[0].set_ylabel("a label\nof two lines")
    legend_below(figure, [Line2D([], [], label="a model"), Line2D([], [], label="another")])
    return Drawing(figure, pd.DataFrame({"x": [1]}))


def test_svg_has_the_layout_that_matplotlib_gives_it(tmp_path):
    files = [tmp_path / f"figure.{kind}" for kind in ("svg", "png", "csv")]
    with styled(STYLE):
        save(_figure(), *files)
    plain = tmp_path / "plain.svg"
    with styled(STYLE):
        _figure().figure.savefig(plain, metadata={"Date": None, "Creator": None})
    assert files[0].read_text() == compact(plain.read_text())


def test_png_has_its_own_resolution(tmp_path):
    files = [tmp_path / f"figure.{kind}" for kind in ("svg", "png", "csv")]
    with styled(STYLE):
        save(_figure(), *files)
    # 200 dots per inch, 7.2 inches wide.
    assert Image.open(files[1]).width == 1440


def test_titles_stand_where_they_would_be_put_beside_ticks():
    places = []
    for height in (matplotlib.rc_params_from_file(STYLE)["axes.titley"], None):
        with styled(STYLE), matplotlib.rc_context({"axes.titley": height}):
            figure = _figure().figure
            figure.draw_without_rendering()
            texts = [t for a in figure.axes for t in a.findobj(Text) if t.get_text() in _titles(a)]
            places.append([text.get_window_extent().bounds for text in texts])
    assert len(places[0]) == 5
    assert places[0] == places[1]


def _titles(axes: Axes) -> list[str]:
    return [axes.get_title("left")]

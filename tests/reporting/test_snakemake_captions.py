"""What Snakemake's own report says below a figure is what the page says."""

from types import SimpleNamespace

from captions import page_captions
from docutils.core import publish_doctree
from docutils.nodes import system_message
from jinja2 import Environment, StrictUndefined
from synthetic_disk import REPORT

from unispace.reporting.figures.registry import FIGURES


def told(figure):
    """A caption as Snakemake makes it: with the job filled in, then as a document."""
    template = Environment(undefined=StrictUndefined).from_string(  # noqa: S701, no HTML
        (REPORT / "figure.rst").read_text("utf-8")
    )
    job = SimpleNamespace(
        wildcards=SimpleNamespace(figure=figure), output=SimpleNamespace(table="x_y.csv")
    )
    return publish_doctree(template.render(snakemake=job), settings_overrides={"report_level": 5})


def test_every_figure_has_the_words_of_the_page():
    captions = page_captions()
    assert set(captions) == set(FIGURES)
    for figure, (title, text) in captions.items():
        document = told(figure)
        assert not list(document.findall(system_message)), figure
        assert document.astext().startswith(f"{title} {text}"), figure

"""Pages from their templates, with our style and scripts inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from markupsafe import Markup

from unispace.errors import UserError


def render_template(
    folder: Path,
    name: str,
    *,
    style: str,
    scripts: Sequence[str],
    context: Mapping[str, Any],
    filters: Mapping[str, Callable[[Any], Any]] | None = None,
) -> str:
    """Render a page as HTML; all that the context brings is escaped.

    Args:
        folder: of the templates.
        name: of the page's own.
        style: name of the style sheet, which the template finds as `css`.
        scripts: names of the scripts, which it finds as the list `js`.
        context: what it shows.
        filters: of its own, beside `count` (thousands set apart).

    Raises:
        UserError: where a template, the style or a script is missing, or a template is wrong.
    """
    # Ours, not the study's: the only text that is not escaped.
    css, *js = (Markup(_text(folder / part)) for part in (style, *scripts))  # noqa: S704
    return render_part(folder, name, {"css": css, "js": js, **context}, filters)


def render_part(
    folder: Path,
    name: str,
    context: Mapping[str, Any],
    filters: Mapping[str, Callable[[Any], Any]] | None = None,
) -> str:
    """Render a part of a page as HTML, without style and scripts of its own.

    Args:
        folder: of the templates.
        name: of the part's own.
        context: what it shows.
        filters: of its own, beside `count` (thousands set apart).

    Raises:
        UserError: where a template is missing or wrong.
    """
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": lambda n: f"{n:,}", **(filters or {})}
    try:
        return environment.get_template(name).render(**context)
    except TemplateError as error:
        wrong = getattr(error, "name", None) or name
        raise UserError(f"{folder}/{wrong}: {type(error).__name__}: {error}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path}: missing; it belongs to the repository, restore it") from error

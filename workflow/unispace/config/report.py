"""What the page shows."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from unispace.config.base import Settings


class Report(Settings):
    """The page and its pictures."""

    title: str = "Unispace"
    """Heading of the page."""
    sheet_labels: Annotated[int, Field(ge=1, le=40)] = 8
    """Identities or classes on a contact sheet (rows)."""
    sheet_images: Annotated[int, Field(ge=1, le=40)] = 10
    """Images of each (columns)."""
    view_images: Annotated[int, Field(ge=10, le=5000)] = 200
    """Images of each data set in the picture of the embedding space."""

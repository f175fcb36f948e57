"""Classification by texts: which data sets, in which words."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from unispace.config.base import Distinct, DistinctSome, Name, Settings

Templates = Literal["plain", "studio", "clip-imagenet-7", "clip-imagenet-80"]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Prompts(Settings):
    """Zero-shot classification by the text towers of CLIPs."""

    datasets: Distinct[Name] = ()
    """Evaluated data sets of objects whose images are named by texts."""
    templates: DistinctSome[Templates] = ("plain",)
    """Sentences that a class is put into; the embeddings of one set are averaged, and each set is a protocol of its
    own. `plain`: "a photo of a ..."; `studio`: in the words of the studio's captions; `clip-imagenet-7` and
    `clip-imagenet-80`: those that CLIP was published with for ImageNet."""
    names: dict[str, Words] = Field(default={})
    """What a label is called in a text, where it is not the label itself with spaces for underscores."""
    backbones: DistinctSome[Name] | None = None
    """Backbones of provider `open_clip` that name images; left out: all of them."""

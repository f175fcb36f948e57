"""How published archives lie inside: readers that list and read their images without unpacking.

A layout is named as `reader` or `reader:folder`, where folder is the path in the archive below which it begins.
"""

from __future__ import annotations

from unispace.data.sources.layouts import bins, cifar, imagenet
from unispace.data.sources.layouts.arrays import MNIST, STL10, SVHN
from unispace.data.sources.layouts.attacks import ATTACKS
from unispace.data.sources.layouts.layout import Layout
from unispace.data.sources.layouts.objects import OBJECTS
from unispace.data.sources.layouts.persons import PERSONS

_NAMED = {**OBJECTS, **PERSONS, **ATTACKS}

# Layouts that always lie in the same place.
_FIXED = {
    "cifar-python": Layout(cifar.read_listing, cifar.contents, True),
    "imagenet": Layout(imagenet.read_listing, imagenet.contents, True),
    "mnist": MNIST,
    "stl10": STL10,
    "svhn": SVHN,
    "verification-bin": Layout(bins.read_listing, bins.contents, True),
}

LAYOUTS = (*_FIXED, *_NAMED)


def layout_of(name: str) -> Layout:
    """The reader of a layout.

    Args:
        name: `reader` or `reader:folder`, the reader one of `LAYOUTS`.
    """
    kind, _, root = name.partition(":")
    return _FIXED[kind] if kind in _FIXED else _NAMED[kind].layout(root)

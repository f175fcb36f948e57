"""Where the points of a face lie in aligned crops, whose own landmarks nobody has kept.

Crops that were aligned to the usual five points (ArcFace, arXiv 1801.07698) have the pupils, the tip of the
nose and the corners of the mouth near to fixed places. These five are published; the other points were placed
around them on the mean of many crops, so outlines are those of a mean face and not of the person.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unispace.data.studio.faces_landmarks import LANDMARKS
from unispace.data.studio.stage import Doubles

SIDE = 112.0  # pixels of the crops that the places are given for

# As in insightface, `face_align.py`.
FIVE_POINTS = {
    "pupil_left": (38.2946, 51.6963),
    "pupil_right": (73.5318, 51.5014),
    "nose_tip": (56.0252, 71.7366),
    "mouth_left": (41.5493, 92.3655),
    "mouth_right": (70.7299, 92.2041),
}
_MIDDLE = {
    "chin": (56.0, 110.0),
    "forehead_middle": (56.0, 22.0),
    "hairline_middle": (56.0, 10.0),
    "crown": (56.0, 2.0),
    "nose_bridge": (56.0, 52.0),
    "mouth_top": (56.0, 88.5),
    "mouth_bottom": (56.0, 98.0),
}
# On the left of the picture; the right is the mirror image.
_LEFT = {
    "temple": (17.0, 46.0),
    "cheek": (17.5, 60.0),
    "jaw_upper": (20.0, 75.0),
    "jaw_middle": (26.0, 90.0),
    "jaw_lower": (38.0, 104.0),
    "forehead": (28.0, 28.0),
    "hairline": (30.0, 14.0),
    "brow_inner": (48.0, 43.0),
    "brow_bend": (36.0, 40.0),
    "brow_outer": (26.0, 44.0),
    "eye_inner": (45.0, 52.0),
    "eye_outer": (31.5, 52.0),
    "eye_top": (38.3, 48.5),
    "eye_bottom": (38.3, 55.0),
    "nose_wing": (49.0, 74.0),
}


def template_points(size: int) -> Doubles:
    """The points `LANDMARKS` of a mean face in an aligned crop, in pixels, `(k, 2)`.

    Args:
        size: side of the crop in pixels; another one than 112 is a crop that was resized.
    """
    places = {
        **FIVE_POINTS,
        **_MIDDLE,
        **{f"{name}_left": place for name, place in _LEFT.items()},
        **{f"{name}_right": (SIDE - x, y) for name, (x, y) in _LEFT.items()},
    }
    table: NDArray[np.float64] = np.array([places[name] for name in LANDMARKS])
    return table * (size / SIDE)

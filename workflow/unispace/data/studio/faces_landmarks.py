"""Named points of the painted faces, found with the geometry that the painter paints with.

Left and right are those of the image. Points on the far side of a turned head are where they would be
seen if the head were transparent; those of the outline move with the outline that is seen.
"""

from __future__ import annotations

import numpy as np

from unispace.data.studio import faces_geometry as geometry
from unispace.data.studio.canvas import turned_back
from unispace.data.studio.faces_geometry import Factors
from unispace.data.studio.faces_hair import STYLES, combed, hairline
from unispace.data.studio.faces_pose import Doubles, Pose

SIDES = (("left", -1.0), ("right", 1.0))
# Heights of the points of the outline: 0 at the cheeks, 1 at the chin, -1 at the top of the face.
OUTLINE = {"temple": -0.45, "cheek": 0.0, "jaw_upper": 0.45, "jaw_middle": 0.75, "jaw_lower": 0.93}
BISECTIONS = 40  # halvings of the outline's half width: far below a thousandth of a pixel
FOREHEAD = (
    0.42,
    -0.50,
)  # x of the points at the sides and y of all, on the unit sphere of the skull
HAIRLINE = 0.42  # x of the points at the sides, likewise
# A hairline may end above what is seen from the front, or on a bald head have no hair behind it.
HIGHEST_HAIRLINE = -0.88

LANDMARKS: tuple[str, ...] = (
    "temple_left", "cheek_left", "jaw_upper_left", "jaw_middle_left", "jaw_lower_left", "chin",
    "jaw_lower_right", "jaw_middle_right", "jaw_upper_right", "cheek_right", "temple_right",
    "forehead_right", "forehead_middle", "forehead_left",
    "hairline_left", "hairline_middle", "hairline_right", "crown",
    "brow_inner_left", "brow_bend_left", "brow_outer_left",
    "brow_inner_right", "brow_bend_right", "brow_outer_right",
    "eye_inner_left", "eye_outer_left", "eye_top_left", "eye_bottom_left", "pupil_left",
    "eye_inner_right", "eye_outer_right", "eye_top_right", "eye_bottom_right", "pupil_right",
    "nose_bridge", "nose_tip", "nose_wing_left", "nose_wing_right",
    "mouth_left", "mouth_right", "mouth_top", "mouth_bottom",
)  # fmt: skip
# The first points go once around the face without its hair.
FACE_RING: tuple[str, ...] = LANDMARKS[:14]


def locate(identity: Factors, view: Factors) -> Doubles:
    """Canvas coordinates (-1 to 1) of the points `LANDMARKS`, `(n, k, 2)`.

    Args:
        identity: factor name to `(n,)` values.
        view: likewise.
    """
    pose = Pose(identity, view)
    points = {
        **_outline(pose, identity),
        **_upper_head(pose, identity),
        **_eyes(pose, identity, view),
        **_nose(pose, identity),
        **_mouth(pose, identity, view),
    }
    return np.stack([np.stack(points[name], axis=-1) for name in LANDMARKS], axis=1)


def _outline(pose: Pose, identity: Factors) -> dict[str, tuple[Doubles, Doubles]]:
    """Points where the painter's distance to the outline is 0, found by bisection across."""
    line = geometry.outline(pose, identity)
    points = {"chin": _roll(pose, *line.chin)}
    for name, v in OUTLINE.items():
        t = max(v, 0.0)
        square = line.square * min(3 * t, 1.0)
        low, high = np.zeros_like(line.width), np.ones_like(line.width)
        for _ in range(BISECTIONS):
            u = (low + high) / 2
            round_ = np.sqrt(u * u + v * v)
            boxed = np.sqrt(np.sqrt(u * u * u * u + v * v * v * v))
            inside = round_ + square * (boxed - round_) < 1
            low, high = np.where(inside, u, low), np.where(inside, high, u)
        half = low * line.width * (1 - line.taper * t * t)
        middle = line.cheek[0] + t * (line.chin[0] - line.cheek[0])
        reach = line.chin[1] - line.cheek[1] if v > 0 else line.above
        for side_name, side in SIDES:
            points[f"{name}_{side_name}"] = _roll(
                pose, middle + side * half, line.cheek[1] + v * reach
            )
    return points


def _roll(pose: Pose, x: Doubles, y: Doubles) -> tuple[Doubles, Doubles]:
    """Canvas coordinates of a point of the upright image of a head."""
    x, y = turned_back(x, y, pose.roll)
    return pose.cx + pose.scale * x, pose.cy + pose.scale * y


def _upper_head(pose: Pose, identity: Factors) -> dict[str, tuple[Doubles, Doubles]]:
    """Forehead, hairline and crown: points on the skull."""
    none = 0 * pose.a
    points = {"crown": _on_skull(pose, none, none - 1)}
    styles = [STYLES[name] for name in identity["hair_style"]]
    middle = np.array([s.line for s in styles]) + identity["hairline"]
    shape = {
        name: np.array([getattr(s, name) for s in styles])
        for name in ("arch", "tilt", "vee", "part")
    }
    comb = combed(identity)
    for name, side in (*SIDES, ("middle", 0.0)):
        points[f"forehead_{name}"] = _on_skull(pose, none + side * FOREHEAD[0], none + FOREHEAD[1])
        x = none + side * HAIRLINE
        height = np.maximum(hairline(x * comb, middle, **shape), HIGHEST_HAIRLINE)
        points[f"hairline_{name}"] = _on_skull(pose, x, height)
    return points


def _on_skull(pose: Pose, x: Doubles, y: Doubles) -> tuple[Doubles, Doubles]:
    """Canvas coordinates of a point in the front half of the unit sphere of the skull."""
    skull = geometry.skull(pose)
    z = np.sqrt(np.maximum(1 - x * x - y * y, 0))
    sphere = (x, y, z)
    point = [c + r * q for c, r, q in zip(skull.centre, skull.radii, sphere, strict=True)]
    px, py, _ = pose.place((point[0], point[1], point[2]))
    return px, py


def _eyes(pose: Pose, identity: Factors, view: Factors) -> dict[str, tuple[Doubles, Doubles]]:
    points = {}
    for name, side in SIDES:
        eye = geometry.eye(pose, identity, view, side)
        lid = eye.tall * np.minimum(eye.cut, 1)
        none = 0 * eye.half
        places = {
            "eye_inner": (-eye.half, none), "eye_outer": (eye.half, none), "eye_top": (none, -lid),
            "eye_bottom": (none, eye.tall), "pupil": eye.gaze,
        }  # fmt: skip
        turned = {part: turned_back(*place, -eye.angle) for part, place in places.items()}
        for part, (x, y) in zip(("inner", "bend", "outer"), geometry.BROW, strict=True):
            raised = y - eye.brow_height + geometry.BROW_LOWERED
            turned[f"brow_{part}"] = turned_back(x, raised, -eye.brow_angle)
        for part, (x, y) in turned.items():
            points[f"{part}_{name}"] = eye.frame.place(x * side, y)
    return points


def _nose(pose: Pose, identity: Factors) -> dict[str, tuple[Doubles, Doubles]]:
    nose = geometry.nose(pose, identity)
    points = {"nose_bridge": nose.bridge[:2], "nose_tip": nose.tip[:2]}
    for name, side in SIDES:
        points[f"nose_wing_{name}"] = nose.foot.place(side * nose.half * nose.WING[0], nose.WING[1])
    return points


def _mouth(pose: Pose, identity: Factors, view: Factors) -> dict[str, tuple[Doubles, Doubles]]:
    mouth = geometry.mouth(pose, identity, view)
    middle = mouth.drop + mouth.LIFTED * mouth.bend
    corner = middle - mouth.bend
    points = {
        "mouth_top": mouth.frame.place(0, middle - mouth.above),
        "mouth_bottom": mouth.frame.place(0, middle + mouth.below),
    }
    for name, side in SIDES:
        points[f"mouth_{name}"] = mouth.frame.place(side * mouth.half, corner)
    return points

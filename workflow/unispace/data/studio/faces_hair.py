"""Hair: a cap over the skull with an opening for the face, and what hangs or stands out."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from unispace.data.studio.canvas import Floats, blocks, box, column, ellipse, turned
from unispace.data.studio.faces_geometry import skull as skull_of
from unispace.data.studio.faces_portrait import INK, Portrait, mix
from unispace.data.studio.faces_pose import Window, fixed, stroke


@dataclass(frozen=True)
class Style:
    """A hair style. Heights and depths are on the unit sphere of the skull (y down, z in front).

    Attributes:
        volume: thickness over the skull, relative to its radius.
        line: height of the hairline in the middle of the forehead.
        arch: how much lower the hairline gets towards the temples.
        tilt: how much lower it gets from one side to the other.
        vee: how much the hairline rises at the parting.
        part: x of the parting.
        side: how far in front the hair at the sides reaches.
        bottom: lower end of the hair at the sides.
        nape: how much lower it ends at the back.
        ears: whether the ears are in front of the hair.
        mass: half width of the hair behind head and neck, 0 for none.
        length: lower end of that hair, in half head heights.
        locks: lower end of the hair before the ears, in half head heights, 0 for none.
        wave: waviness of the outline.
        fray: raggedness of the hairline.
        opacity: of the cap.
    """

    volume: float = 0.07
    line: float = -0.50
    arch: float = 0.25
    tilt: float = 0.0
    vee: float = 0.0
    part: float = 0.0
    side: float = 0.12
    bottom: float = 0.35
    nape: float = 0.6
    ears: bool = True
    mass: float = 0.0
    length: float = 0.0
    locks: float = 0.0
    wave: float = 0.0
    fray: float = 0.0
    opacity: float = 1.0


STYLES = {
    "bald": Style(opacity=0.0, volume=0.0),
    "buzz": Style(volume=0.015, line=-0.55, arch=0.15, opacity=0.72),
    "short": Style(volume=0.11, line=-0.44, arch=-0.12, fray=0.30, bottom=0.30),
    "side_part": Style(volume=0.11, line=-0.46, tilt=0.34, arch=0.10, vee=0.35, part=-0.5),
    "quiff": Style(volume=0.07, line=-0.60, arch=0.15, bottom=0.25),
    "fringe": Style(volume=0.12, line=-0.14, arch=0.05, side=0.30, bottom=0.25, nape=1.2, ears=False,
                    locks=0.42),
    "bob": Style(volume=0.13, line=-0.36, tilt=0.25, arch=0.15, vee=0.5, part=-0.35, side=0.30,
                 bottom=0.2, nape=1.2, ears=False, locks=0.66, mass=1.16, length=0.80),
    "long": Style(volume=0.10, line=-0.42, arch=0.30, vee=0.5, side=0.28, bottom=0.2, nape=1.2,
                  ears=False, locks=1.35, mass=1.16, length=1.75),
    "curly": Style(volume=0.22, line=-0.42, arch=0.15, side=0.26, bottom=0.2, nape=1.2, ears=False,
                   wave=0.09, fray=0.2, locks=0.5, mass=1.30, length=0.75),
    "afro": Style(volume=0.34, line=-0.42, arch=0.05, side=0.15, bottom=0.10, nape=1.2, wave=0.03, fray=0.1),
    "bun": Style(volume=0.05, line=-0.62, arch=0.20, side=0.0),
    "ponytail": Style(volume=0.05, line=-0.55, arch=0.35, side=0.05, vee=0.0),
    "mohawk": Style(volume=0.015, line=-0.55, arch=0.15, opacity=0.30),
    "receding": Style(volume=0.05, line=-1.14, arch=1.15, side=0.20, bottom=0.30),
    "space_buns": Style(volume=0.07, line=-0.28, arch=0.10, vee=0.45, side=0.22, ears=True),
    "wavy": Style(volume=0.14, line=-0.44, tilt=-0.2, arch=0.25, vee=0.6, part=0.35, side=0.28,
                  bottom=0.2, nape=1.2, ears=False, locks=1.1, mass=1.34, length=1.45, wave=0.06),
}  # fmt: skip


def _ridge(x: Floats) -> Floats:
    """A triangle wave of period 1 between 0 and 0.5."""
    return np.abs(x - np.floor(x + np.float32(0.5)))


def combed(identity: dict[str, NDArray]) -> NDArray[np.float64]:
    """The sign of x on the image that a style's positive x becomes, `(n,)`."""
    return np.where(identity["hair_side"] == "left", 1.0, -1.0)


def hairline(
    x: Floats, middle: Floats, *, arch: Floats, tilt: Floats, vee: Floats, part: Floats
) -> Floats:
    """Height of an even hairline at `x`, both on the unit sphere of the skull; see `Style`.

    Args:
        x: across; positive is the side that the hair is combed to.
        middle: the style's `line` moved by the identity's own hairline.
        arch: of the style, like the rest.
        tilt: see `Style`.
        vee: see `Style`.
        part: see `Style`.
    """
    parting = np.maximum(1 - np.abs(x - part) * np.float32(2.2), 0)
    line = middle + arch * x * x + tilt * x
    # A parting ends on top of the head, where there is no forehead left.
    return np.maximum(line - vee * parting, np.minimum(line, -0.76))


class Hair:
    """The hair of a chunk of portraits, painted in two passes: behind and in front of the face."""

    def __init__(self, portrait: Portrait) -> None:
        self.portrait = portrait
        styles = [STYLES[name] for name in portrait.identity["hair_style"]]
        self.style = {f.name: np.array([getattr(s, f.name) for s in styles]) for f in fields(Style)}
        self.kind = portrait.identity["hair_style"]
        self.side = combed(portrait.identity)
        self.style["volume"] = self.style["volume"] * portrait.identity["hair_volume"]
        self.dark = mix(portrait.hair, INK, 0.32)
        self.bright = mix(portrait.hair, (1.0, 0.96, 0.88), 0.22)

    def behind(self) -> None:
        """Hair hanging behind the neck, buns and tails."""
        portrait, pose = self.portrait, self.portrait.pose
        rows = portrait.rows(self.style["mass"] > 0)
        for part, some in portrait.canvas.whole(rows):
            self._mass(part, some)
        crown = 0.9 * pose.b
        self._tuft("afro", (0 * pose.a, -0.42 * pose.b, -0.3 * pose.c), (0.66, 0.60))
        self._tuft("bun", (0 * pose.a, -1.1 * pose.b, -0.55 * pose.c), (0.23, 0.2))
        for side in (-1.0, 1.0):
            self._tuft(
                "space_buns", (side * 0.72 * pose.a, -0.98 * crown, -0.1 * pose.c), (0.19, 0.19)
            )
        self._tail()
        self._locks(behind=True)

    def in_front(self) -> None:
        """The cap of hair over the skull, its shadow on the forehead, and hair standing up."""
        portrait, style = self.portrait, self.style
        for waved in (False, True):
            rows = portrait.rows((style["opacity"] > 0) & ((style["wave"] > 0) == waved))
            self._caps(rows, waved)
        self._locks(behind=False)
        self._mohawk()
        self._quiff()

    def _get(self, name: str, rows: NDArray[np.intp]) -> Floats:
        return column(fixed(self.style[name][rows]))

    def _caps(self, rows: NDArray[np.intp], waved: bool) -> None:
        """The caps of some images, in windows around their skulls."""
        canvas, pose = self.portrait.canvas, self.portrait.pose
        skull = skull_of(pose)
        cx, cy, _ = (fixed(v)[rows] for v in pose.place(skull.centre))
        # However the skull is turned, no hair of the cap is further from its middle.
        thick = 1 + self.style["volume"] + self.style["wave"]
        far = pose.scale * np.max(skull.radii, axis=0) * thick
        reach = float(far[rows].max(initial=0)) + 4 * float(canvas.edge)
        for some in blocks(len(rows), int(reach * canvas.size + 2) ** 2):
            with canvas.window(rows[some], cx[some], cy[some], reach, reach) as part:
                self._cap(part, rows[some], waved)

    def _cap(self, part: Window, rows: NDArray[np.intp], waved: bool) -> None:
        portrait, pose = self.portrait, self.portrait.pose
        side = column(fixed(self.side[rows]))
        x, y, z, radius = (part.crop(q) for q in portrait.skull)
        x *= side
        size = column(fixed(pose.scale[rows] * pose.a[rows]))
        grain = _ridge(x * 5 + z * 3)
        shell = radius - 1 - self._get("volume", rows)
        if waved:
            # Outside the skull the waves run straight outwards.
            inward = np.float32(2.7) / np.maximum(radius, 1)
            over, down = _ridge(x * inward), _ridge(y * inward)
            shell += self._get("wave", rows) * (1 - 4 * (over * over + down * down))
        shell *= size
        middle = self._get("line", rows) + column(fixed(portrait.identity["hairline"][rows]))
        shape = {name: self._get(name, rows) for name in ("arch", "tilt", "vee", "part")}
        line = hairline(x, middle, **shape)
        line = line + self._get("fray", rows) * (grain - np.float32(0.25))
        # In front of the hairline and of the hair at the sides lies the face.
        opening = np.minimum(y - line, (z - self._get("side", rows)) * np.float32(0.8))
        lower = y - self._get("bottom", rows) - self._get("nape", rows) * np.maximum(-z, 0)
        tips = np.maximum(opening, lower) * size
        cover = part.coverage(np.maximum(shell, tips))
        opacity = fixed(self.style["opacity"][rows])
        solid = fixed(self.style["opacity"][rows] >= 1)
        bare = part.coverage((radius - 1) * size)
        shadow = np.clip(1 - tips / np.float32(0.075), 0, 1) * bare
        part.darken(shadow * column(solid), 0.80)
        part.paint(cover, portrait.hair[rows], opacity)
        part.paint(cover * np.clip(grain * 6 - 2, 0, 1), self.dark[rows], solid * np.float32(0.16))
        if waved:
            curls = np.clip((_ridge(x * 4) + _ridge(y * 4 + z * 2)) * 4 - 2, 0, 1)
            part.paint(cover * curls, self.dark[rows], 0.26)
        band = np.abs(y - z * np.float32(0.55) + np.float32(1.05) + grain * np.float32(0.25))
        part.paint(cover * np.clip(1 - band * 6, 0, 1), self.bright[rows], solid * np.float32(0.75))
        portrait.cover(part, cover * column(opacity))

    def _mass(self, part: Window, rows: NDArray[np.intp]) -> None:
        """A block of hair from the crown down, rounded at its lower corners."""
        portrait, pose = self.portrait, self.portrait.pose
        s, a, b = pose.scale[rows], pose.a[rows], pose.b[rows]
        x, y = turned(
            part.x, part.y, fixed(pose.cx[rows]), fixed(pose.cy[rows]), 0.6 * pose.roll[rows]
        )
        x = x + column(fixed(0.42 * s * pose.c[rows] * pose.sin_yaw[rows]))
        end, top = self.style["length"][rows] * b, -0.5 * b
        half = self.style["mass"][rows] * a * (0.94 + 0.06 * portrait.identity["hair_volume"][rows])
        step = _ridge(y * 4)
        edge = self._get("wave", rows) * (4 * step * step - np.float32(0.5))
        shape = box(
            x,
            y - column(fixed(s * (end + top) / 2)),
            fixed(s * half),
            fixed(s * (end - top) / 2),
            fixed(s * 0.22),
        )
        cover = part.coverage(shape + edge)
        part.paint(cover, mix(portrait.hair[rows], INK, 0.22))
        strand = _ridge(x * 8)
        part.paint(cover * np.clip(strand * 6 - 2, 0, 1), self.dark[rows], 0.3)

    def _locks(self, behind: bool) -> None:
        """A lock on each side of the face; the far one disappears behind the head as it turns."""
        portrait, pose = self.portrait, self.portrait.pose
        rows = portrait.rows(self.style["locks"] > 0)
        if not len(rows):
            return
        wide = fixed(0.085 * pose.scale * portrait.identity["hair_volume"])[rows]
        low = (self.style["locks"] - 0.15) * pose.b
        for side in (-1.0, 1.0):
            top = pose.place((side * 0.97 * pose.a, -0.12 * pose.b, 0 * pose.c))
            tip = pose.place((side * 1.03 * pose.a, low, 0.05 * pose.c))
            near = np.ones(len(rows)) if behind else np.clip(top[2][rows] * 8 + 1.1, 0, 1)
            start = (fixed(top[0])[rows], fixed(top[1])[rows])
            end = (fixed(tip[0])[rows], fixed(tip[1])[rows])
            with portrait.canvas.window(rows, (start[0] + end[0]) / 2, 0, 0.42, 1) as part:
                wave = self._get("wave", rows) * (1 - 4 * np.square(_ridge(part.y * 4)))
                cover = part.coverage(stroke(part, start, end, wide) - wave * np.float32(0.5))
                part.paint(cover, portrait.hair[rows], fixed(near))
                inner = stroke(part, start, end, wide * np.float32(0.3))
                part.paint(part.coverage(inner, 2), self.bright[rows], fixed(near * 0.2))
                if not behind:
                    portrait.cover(part, cover * column(fixed(near)))

    def _tuft(self, kind: str, point: tuple, size: tuple[float, float]) -> None:
        """A ball of hair fixed to the head."""
        portrait, pose = self.portrait, self.portrait.pose
        rows = portrait.rows(self.kind == kind)
        if not len(rows):
            return
        cx, cy, _ = (fixed(v)[rows] for v in pose.place(point))
        grow = pose.scale[rows] * (0.6 + 0.4 * portrait.identity["hair_volume"][rows])
        with portrait.canvas.window(rows, cx, cy, 1.6 * size[0], 1.6 * size[1]) as part:
            x, y = part.x - column(cx), part.y - column(cy)
            ball = ellipse(x, y, fixed(size[0] * grow), fixed(size[1] * grow))
            cover = part.coverage(ball)
            part.paint(cover, mix(portrait.hair[rows], INK, 0.04 if kind == "afro" else 0.12))
            portrait.cover(part, cover)
            if kind == "afro":
                curls = np.clip((_ridge(x * 5) + _ridge(y * 5)) * 4 - 2, 0, 1)
                part.paint(cover * curls, self.dark[rows], 0.26)
            else:
                ring = np.abs(
                    ellipse(x, y, fixed(0.55 * size[0] * grow), fixed(0.5 * size[1] * grow))
                )
                part.paint(part.coverage(ring - np.float32(0.012)), self.dark[rows], 0.6)

    def _tail(self) -> None:
        """A pony tail that swings out on one side."""
        portrait, pose = self.portrait, self.portrait.pose
        rows = portrait.rows(self.kind == "ponytail")
        if not len(rows):
            return
        s = pose.scale[rows]
        ends, radii = [], []
        for t in np.linspace(0, 1, 8):
            # A quadratic curve: out of the back of the head, sideways, then down.
            x, y = (1 - t) ** 2 * 0.4 + 2 * t * (1 - t) * 1.75 + t * t * 1.05, -0.8 + 1.6 * t * t
            px, py, _ = pose.place((x * self.side * pose.a, y * pose.b, -0.8 * pose.c))
            ends.append((fixed(px)[rows], fixed(py)[rows]))
            radii.append(0.10 + 0.20 * t * (1 - t) - 0.06 * t * t)
        with portrait.canvas.window(rows, 0, 0, 1, 1) as part:
            tail = np.full(part.shape, 9, np.float32)
            core = tail
            for start, end, radius in zip(ends[:-1], ends[1:], radii[1:], strict=True):
                reach = stroke(part, start, end, fixed(radius * s))
                tail = np.minimum(tail, reach)
                core = np.minimum(core, reach + column(fixed(0.7 * radius * s)))
            part.paint(part.coverage(tail), mix(portrait.hair[rows], INK, 0.1))
            part.paint(part.coverage(core), self.bright[rows], 0.4)
            tie = ellipse(part.x - column(ends[0][0]), part.y - column(ends[0][1]), 0.12, 0.12)
            part.paint(part.coverage(tie), mix(portrait.hair[rows], INK, 0.5))

    def _mohawk(self) -> None:
        """A crest along the middle of the skull: overlapping discs from the forehead to the nape."""
        portrait, pose = self.portrait, self.portrait.pose
        rows = portrait.rows(self.kind == "mohawk")
        if not len(rows):
            return
        volume = portrait.identity["hair_volume"]
        with portrait.canvas.window(rows, 0, 0, 1, 1) as part:
            crest = np.full(part.shape, 9, np.float32)
            for turn in (-0.55, -0.3, -0.05, 0.2, 0.45, 0.7):
                y, z = -0.96 + 0.55 * turn * turn, 0.72 - 1.35 * (turn + 0.5)
                out = 1.0 + 0.08 * volume
                cx, cy, _ = pose.place((0 * pose.a, pose.b * y * out, pose.c * z))
                dx, dy = part.x - column(fixed(cx[rows])), part.y - column(fixed(cy[rows]))
                reach = pose.scale[rows] * (0.08 + 0.06 * volume[rows])
                crest = np.minimum(crest, ellipse(dx, dy, fixed(reach * 0.8), fixed(reach * 1.25)))
            cover = part.coverage(crest)
            part.paint(cover, portrait.hair[rows])
            part.paint(part.coverage(crest + np.float32(0.07)), self.bright[rows], 0.35)
            portrait.cover(part, cover)

    def _quiff(self) -> None:
        """A roll of hair above the forehead, swept to one side."""
        portrait, pose = self.portrait, self.portrait.pose
        rows = portrait.rows(self.kind == "quiff")
        if not len(rows):
            return
        volume = portrait.identity["hair_volume"]
        cx, cy, _ = pose.place((0.12 * self.side * pose.a, -0.98 * pose.b, 0.42 * pose.c))
        with portrait.canvas.window(rows, 0, 0, 1, 1) as part:
            lean = pose.roll[rows] - 10 * self.side[rows]
            x, y = turned(part.x, part.y, fixed(cx[rows]), fixed(cy[rows]), lean)
            s = pose.scale[rows]
            roll = ellipse(
                x, y, fixed(s * pose.a[rows] * 0.86), fixed(s * (0.12 + 0.08 * volume[rows]))
            )
            cover = part.coverage(roll)
            part.paint(cover, portrait.hair[rows])
            shine = ellipse(
                x, y + np.float32(0.05), fixed(s * pose.a[rows] * 0.5), fixed(s * 0.045)
            )
            part.paint(part.coverage(shine), self.bright[rows], 0.6)
            portrait.cover(part, cover)

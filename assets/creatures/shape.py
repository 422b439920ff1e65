"""Meshes of tubes around bones, as make_creatures.py makes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]


@dataclass
class Shape:
    """A mesh in the making: positions, normals, texture coordinates, weights of all bones, triangles."""

    bones: int
    parts: list[tuple[Doubles, Doubles, Doubles, Doubles]] = field(default_factory=list)
    triangles: list[npt.NDArray[np.int64]] = field(default_factory=list)
    count: int = 0

    def tube(
        self,
        line: Doubles,
        radii: Doubles,
        weights: Doubles,
        around: int = 14,
        repeat: tuple[float, float] = (1, 1),
    ) -> None:
        """Add a tube: places [n, 3] on its line, radii [n, 2] to the side and ahead, weights [n, bones]."""
        count = len(line)
        angles = np.linspace(0, 2 * np.pi, around + 1)
        along = np.gradient(line, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        ahead = np.cross(np.where(np.abs(along[:, :1]) > 0.8, (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)), along)
        ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
        side = np.cross(along, ahead)
        spoke = np.stack((np.cos(angles), np.sin(angles)), axis=1)
        arms = (
            side[:, None] * radii[:, None, :1] * spoke[:, :1]
            + ahead[:, None] * radii[:, None, 1:] * spoke[:, 1:]
        )
        places = line[:, None] + arms
        length = np.concatenate(([0.0], np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum()))
        turn, rise = np.gradient(places, axis=1), np.gradient(places, axis=0)
        turn[:, 0] = turn[:, -1] = places[:, 1] - places[:, -2]
        normals = np.cross(turn, rise)
        flip = np.sign((normals * arms).sum(axis=2, keepdims=True))
        normals *= np.where(flip == 0, 1, flip)
        if radii[0].max() < 0.01:
            normals[0] = -along[0]
        normals[-1] = along[-1]
        normals /= np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-12)
        uv = np.stack(
            np.broadcast_arrays(angles / (2 * np.pi) * repeat[0], length[:, None] * repeat[1]), axis=2
        )
        spread = np.repeat(weights, around + 1, axis=0)
        self.parts.append((places.reshape(-1, 3), normals.reshape(-1, 3), uv.reshape(-1, 2), spread))
        ring, at = np.meshgrid(np.arange(count - 1), np.arange(around), indexing="ij")
        first = (ring * (around + 1) + at).ravel() + self.count
        above = first + around + 1
        quads = np.stack((first, first + 1, above + 1, first, above + 1, above), axis=1).reshape(-1, 3)
        a, b, c = (np.concatenate([part[0] for part in self.parts])[quads[:, i]] for i in range(3))
        solid = np.linalg.norm(np.cross(b - a, c - a), axis=1) > 1e-10
        out = (
            np.cross(b - a, c - a) * np.concatenate([part[1] for part in self.parts])[quads].sum(axis=1)
        ).sum(axis=1)
        quads[out < 0] = quads[out < 0][:, ::-1]
        self.triangles.append(quads[solid])
        self.count += count * (around + 1)

    def limb(
        self,
        joints: list[tuple[float, ...]],
        sizes: list[tuple[float, float]],
        bones: list[int],
        rings: int = 4,
    ) -> None:
        """Add a tube with round ends through joints, with a size at each; bone k moves what follows k."""
        places, widths = np.array(joints), np.array(sizes)
        ends = np.concatenate(([0.0], np.linalg.norm(np.diff(places, axis=0), axis=1).cumsum()))
        inner = np.concatenate([np.linspace(a, b, rings, endpoint=False) for a, b in pairwise(ends)])
        inner = np.append(inner, ends[-1])
        caps = np.sin(np.linspace(0, np.pi / 2, 5))
        first, last = places[1] - places[0], places[-1] - places[-2]
        first, last = first / np.linalg.norm(first), last / np.linalg.norm(last)
        line = np.stack([np.interp(inner, ends, places[:, axis]) for axis in range(3)], axis=1)
        radii = np.stack([np.interp(inner, ends, widths[:, axis]) for axis in range(2)], axis=1)
        start = [
            (line[0] - first * widths[0].mean() * (1 - h), radii[0] * np.sqrt(1 - (1 - h) ** 2))
            for h in caps[:-1]
        ]
        stop = [(line[-1] + last * widths[-1].mean() * h, radii[-1] * np.sqrt(1 - h**2)) for h in caps[1:]]
        line = np.concatenate(([one for one, _ in start], line, [one for one, _ in stop]))
        radii = np.concatenate(([one for _, one in start], radii, [one for _, one in stop]))
        at = np.concatenate((np.full(len(start), ends[0]), inner, np.full(len(stop), ends[-1])))
        weights = np.zeros((len(at), self.bones))
        weights[:, bones[0]] = 1.0
        for number, bone in enumerate(bones[1:], 1):
            reach = 1.2 * widths[number].mean()
            part = np.clip((at - ends[number]) / (2 * reach) + 0.5, 0, 1)
            part = part * part * (3 - 2 * part)
            weights *= 1 - part[:, None]
            weights[:, bone] += part
        self.tube(line, np.maximum(radii, 1e-4), weights, around=10)

    def text(self, name: str, bones: str) -> str:
        """The mesh source, with the four largest weights of each vertex in steps of 1/255."""
        positions, normals, uv, weights = (np.concatenate(part) for part in zip(*self.parts, strict=True))
        top = np.argsort(-weights, axis=1, kind="stable")[:, :4]
        chosen = np.take_along_axis(weights, top, axis=1)
        whole = np.rint(chosen / chosen.sum(axis=1, keepdims=True) * 255)
        whole[:, 0] += 255 - whole.sum(axis=1)
        top = np.where(whole > 0, top, 0)
        return f"""// By make_creatures.py.
mesh: {{
    name: {name}
    vertices: {{
        pos: {rows(positions)}
        normal: {rows(normals)}
        uv_albedo: {rows(uv)}
        frameIdxs: {rows(top)}
        frameWeights: {rows(whole / 255, 6)}
    }}
    indices: {rows(np.concatenate(self.triangles))}
    bones: [
{bones}    ]
}}
"""


def rows(values: npt.NDArray[np.generic], digits: int = 4) -> str:
    """Rows of numbers, a few on each line."""
    texts = [
        "[" + " ".join(f"{number:.{digits}f}".rstrip("0").rstrip(".") or "0" for number in row) + "]"
        for row in values
    ]
    texts = [text.replace("-0 ", "0 ").replace("-0]", "0]") for text in texts]
    lines = ["            " + " ".join(texts[start : start + 6]) for start in range(0, len(texts), 6)]
    return "[\n" + "\n".join(lines) + "\n        ]"

"""Claims about polygons: triangles fill exactly what a polygon encloses, and convex ones are fans."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from engine.obj import read_obj
from engine.obj.polygons import MOST_CORNERS, fans, triangulated

Floats = npt.NDArray[np.float64]


def star(rng: np.random.Generator, count: int) -> Floats:
    """A polygon of which the origin sees each corner."""
    steps = rng.uniform(0.5, 1.0, count)
    angles = np.cumsum(steps) / steps.sum() * 2.0 * np.pi
    far = rng.uniform(0.1, 1.0, count)
    return np.stack([far * np.cos(angles), far * np.sin(angles)], axis=1)


def comb(rng: np.random.Generator, count: int) -> Floats:
    """A zigzag band, of which no point sees all."""
    half = max(count // 2, 3)
    x, up = np.arange(half), rng.uniform(1, 3, half) + 3.0 * (np.arange(half) % 2)
    return np.concatenate([np.stack([x, up - 0.9], axis=1), np.stack([x, up], axis=1)[::-1]])


def area(corners: Floats) -> float:
    """The area of a flat polygon [n, 3]."""
    local = corners - corners[0]
    return float(np.linalg.norm(np.cross(local[1:-1], local[2:]).sum(axis=0)) / 2.0)


def facing(triangles: Floats) -> Floats:
    """The normals of triangles [n, 3, 3], as long as twice their areas."""
    return np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])


def placed(rng: np.random.Generator, flat: Floats) -> Floats:
    """A polygon of a plane [n, 2] anywhere in space, from any of its corners on."""
    axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return np.roll(flat, int(rng.integers(len(flat))), axis=0) @ axes[:2] + rng.normal(size=3) * 5.0


@pytest.mark.parametrize("shape", [star, comb])
def test_triangles_of_a_polygon_face_one_way_and_have_its_area(
    shape: Callable[[np.random.Generator, int], Floats],
) -> None:
    rng = np.random.default_rng(7)
    polygons = [placed(rng, shape(rng, int(rng.integers(3, 30)))) for _ in range(150)]
    lengths = np.array([len(polygon) for polygon in polygons])
    places = np.concatenate(polygons)
    triangles, uncut = triangulated(lengths, places)
    assert uncut.tolist() == []
    owner = np.repeat(np.arange(len(lengths)), lengths - 2)
    for number, polygon in enumerate(polygons):
        normals = facing(places[triangles[owner == number]])
        assert np.linalg.norm(normals, axis=1).sum() / 2.0 == pytest.approx(area(polygon), rel=1e-6)
        assert (normals @ normals.sum(axis=0) >= 0.0).all()


def test_convex_polygons_are_fans_around_their_first_corner() -> None:
    rng = np.random.default_rng(8)
    lengths = rng.integers(3, 12, 50)
    rings = [np.linspace(0.0, 2.0 * np.pi, count, endpoint=False) for count in lengths]
    places = np.concatenate([placed(rng, np.stack([np.cos(a), 3.0 * np.sin(a)], axis=1)) for a in rings])
    triangles, uncut = triangulated(lengths, places)
    np.testing.assert_array_equal(triangles, fans(lengths))
    assert uncut.tolist() == []


def test_a_concave_quad_is_divided_at_the_corner_that_is_turned_inwards() -> None:
    square = np.array([[0, 0, 0], [4, 0, 0], [1, 1, 0], [0, 4, 0]], np.float64)
    for turned in range(4):
        triangles, _ = triangulated(np.array([4]), np.roll(square, turned, axis=0))
        assert all((2 + turned) % 4 in triangle for triangle in triangles.tolist())


def test_a_polygon_around_a_hole_leaves_the_hole_open() -> None:
    """Its outline and that of the hole are joined by an edge there and back."""
    outer = [[0, 0], [6, 0], [6, 6], [0, 6]]
    hole = [[2, 2], [2, 4], [4, 4], [4, 2]]
    flat = np.array([*outer, outer[0], *hole, hole[0]], np.float64)
    places = np.concatenate([flat, np.zeros((len(flat), 1))], axis=1)
    triangles, uncut = triangulated(np.array([len(flat)]), places)
    assert uncut.tolist() == []
    normals = facing(places[triangles])
    assert (normals[:, 2] >= 0.0).all()
    assert normals[:, 2].sum() / 2.0 == 32.0
    for middle in places[triangles].mean(axis=1)[normals[:, 2] > 0.0]:
        assert not ((middle[:2] > 2.0) & (middle[:2] < 4.0)).all()


def obj_of(*polygons: Floats) -> bytes:
    """An OBJ file of polygons [n, 2]."""
    rows, first = [], 1
    for polygon in polygons:
        rows += [f"v {x!r} {y!r} 0" for x, y in polygon.tolist()]
        rows.append("f " + " ".join(str(first + at) for at in range(len(polygon))))
        first += len(polygon)
    return "\n".join(rows).encode()


BOW = np.array([[0, 0], [1, 1], [1, 0], [0, 1], [-1, 0.5]], np.float64)
ARROW = np.array([[-1, -1], [1, -1], [1, 1], [0, -0.5], [-1, 1]], np.float64)


@pytest.mark.parametrize("kind", ["crossing itself", "too many corners"])
def test_a_concave_polygon_that_cannot_be_divided_is_a_fan_with_a_warning_at_its_line(kind: str) -> None:
    rng = np.random.default_rng(9)
    bad = BOW if kind == "crossing itself" else star(rng, MOST_CORNERS + 1)
    file = read_obj(obj_of(ARROW, bad), "a.obj")
    [warning] = file.warnings
    assert (warning.code, warning.position.line) == ("obj.face", len(ARROW) + 1 + len(bad) + 1)
    found = file.parts[0].corners[:, 0].reshape(-1, 3)
    np.testing.assert_array_equal(found[3:], fans(np.array([len(bad)])) + len(ARROW))
    assert area(np.concatenate([ARROW, np.zeros((5, 1))], axis=1)) == pytest.approx(2.5)
    drawn = np.concatenate([ARROW, np.zeros((5, 1))], axis=1)[found[:3]]
    assert facing(drawn)[:, 2].sum() / 2.0 == pytest.approx(2.5)
    assert (facing(drawn)[:, 2] > 0.0).all()


def test_very_many_concave_polygons_are_divided_as_far_as_time_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.obj.polygons._MOST_WORK", 10 * 5**3)
    [warning] = read_obj(obj_of(*[ARROW] * 12), "a.obj").warnings
    assert warning.message.startswith("2 concave polygons are drawn as fans")
    assert warning.position.line == 11 * 6

"""Silhouettes: the edges between what faces the eye and what does not."""

from __future__ import annotations

import numpy as np
import pytest

from engine.planning.draw.rays import Triangles
from viewer.panels.scene_view.silhouettes import Edges, edges_of

FACES = (
    (0, 1, 3, 2),
    (4, 6, 7, 5),
    (0, 4, 5, 1),
    (2, 3, 7, 6),
    (0, 2, 6, 4),
    (1, 5, 7, 3),
)


def cube() -> Triangles:
    """A cube of 2 m whose faces have vertices of their own, as meshes with sharp edges have."""
    corners = np.array([[x, y, z] for x in (-1.0, 1) for y in (-1.0, 1) for z in (-1.0, 1)])
    positions = corners[np.array(FACES).ravel()]
    quads = np.arange(24).reshape(6, 4)
    return Triangles(positions, np.concatenate((quads[:, :3], quads[:, (0, 2, 3)])))


@pytest.fixture
def edges() -> Edges:
    return edges_of(cube())


def test_edges_of_faces_with_vertices_of_their_own_are_found_once(edges: Edges) -> None:
    assert len(edges.positions) == 8
    assert len(edges.ends) == 12 + 6, "the edges of the cube, and a diagonal of each face"
    assert (edges.faces >= 0).all()


@pytest.mark.parametrize(
    ("eye", "count"), [((0, 0, 5, 1), 4), ((9, 9, 9, 1), 6), ((0, 0, 1, 0), 4), ((1, 2, 3, 0), 6)]
)
def test_a_cube_shows_a_square_from_ahead_and_a_hexagon_from_a_corner(
    edges: Edges, eye: tuple[float, ...], count: int
) -> None:
    seen = edges.silhouette(np.array(eye, np.float64))
    assert seen.sum() == count
    ends = edges.ends[seen]
    assert (np.bincount(ends.ravel())[np.unique(ends)] == 2).all(), "a closed line"


def test_an_open_border_is_part_of_the_silhouette_from_anywhere() -> None:
    triangle = Triangles(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]]))
    assert edges_of(triangle).silhouette(np.array((0, 0, 5, 1.0))).sum() == 3
    assert edges_of(triangle).silhouette(np.array((0, 0, -5, 1.0))).sum() == 3


def test_triangles_without_area_and_meshes_without_any_have_no_edges() -> None:
    flat = Triangles(np.zeros((3, 3)), np.array([[0, 1, 2]]))
    assert len(edges_of(flat).ends) == 0
    nothing = Triangles(np.zeros((0, 3)), np.zeros((0, 3), np.int64))
    assert not edges_of(nothing).silhouette(np.array((0, 0, 5, 1.0))).any()

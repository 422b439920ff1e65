"""Coordinates of a mesh of an OBJ file as its text gives them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.assets.importers.models.map_coordinates import read_map_coordinates
from engine.humon import InputError, parse


def read(text: str, source: str = "a.obj") -> object:
    return read_map_coordinates(parse(f"coordinates: {text}", "a.hu").root["coordinates"], Path(source))


def test_attributes_have_a_scale_and_an_offset_and_are_sorted() -> None:
    found = read("{ uv_normal: [1 1 0 0]  uv_albedo: [2 3 0.25 -0.5] }", "A.OBJ")
    assert found == (("uv_albedo", (2.0, 3.0, 0.25, -0.5)), ("uv_normal", (1.0, 1.0, 0.0, 0.0)))
    assert read("{ }") == ()


@pytest.mark.parametrize(
    ("text", "source", "code"),
    [
        ("{ uv_albedo: [1 1 0] }", "a.obj", "value.count"),
        ("{ uv_albedo: [1 1 0 x] }", "a.obj", "value.number"),
        ("{ uv_albedo: [1 1 0 nan] }", "a.obj", "value.range"),
        ("{ uv_albedo: 2 }", "a.obj", "value.kind"),
        ("[1 1 0 0]", "a.obj", "value.kind"),
        ("{ pos: [1 1 0 0] }", "a.obj", "asset.field"),
        (f"{{ {'  '.join(f'uv_{chr(97 + n)}: [1 1 0 0]' for n in range(17))} }}", "a.obj", "asset.field"),
        ("{ uv_albedo: [1 1 0 0] }", "a.glb", "asset.field"),
        ("{ uv_albedo: [1 1 0 0] }", "a.hu", "asset.field"),
    ],
)
def test_what_is_no_coordinate_is_refused_with_its_place(text: str, source: str, code: str) -> None:
    with pytest.raises(InputError) as refused:
        read(text, source)
    (problem,) = refused.value.problems
    assert problem.position is not None
    assert (problem.code, problem.position.line) == (code, 1)

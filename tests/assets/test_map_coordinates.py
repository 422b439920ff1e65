"""Coordinates of a mesh of a model file as its text gives them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.assets.importers.models.map_coordinates import read_map_coordinates
from engine.humon import InputError, parse

MOST = "  ".join(f"uv_{chr(97 + number)}: [1 1 0 0]" for number in range(17))


def read(text: str, source: str = "a.obj") -> object:
    return read_map_coordinates(parse(f"coordinates: {text}", "a.hu").root["coordinates"], Path(source))


def test_attributes_have_a_scale_and_an_offset_and_are_sorted() -> None:
    found = read("{ uv_normal: [1 1 0 0]  uv_albedo: [2 3 0.25 -0.5] }", "A.OBJ")
    assert found == (("uv_albedo", (2.0, 3.0, 0.25, -0.5)), ("uv_normal", (1.0, 1.0, 0.0, 0.0)))


@pytest.mark.parametrize("source", ["a.obj", "a.glb", "a.gltf"])
def test_albedo_is_read_as_in_the_file_unless_it_is_given(source: str) -> None:
    assert read("{ }", source) == (("uv_albedo", (1.0, 1.0, 0.0, 0.0)),)
    assert read("{ uv_normal: [2 2 0 0] }", source) == (
        ("uv_albedo", (1.0, 1.0, 0.0, 0.0)),
        ("uv_normal", (2.0, 2.0, 0.0, 0.0)),
    )


def test_those_of_a_gltf_file_may_have_an_angle_and_a_set_and_be_those_of_two_textures() -> None:
    text = "{ uv_albedo: [2 3 0.25 -0.5 0.3 1]  uv_clearcoat: [1 1 0 0 0 0  2 2 0 0 0.1 255] }"
    assert read(text, "a.gltf") == (
        ("uv_albedo", (2.0, 3.0, 0.25, -0.5, 0.3, 1.0)),
        ("uv_clearcoat", (1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 2.0, 2.0, 0.0, 0.0, 0.1, 255.0)),
    )


@pytest.mark.parametrize(
    ("text", "source", "code"),
    [
        ("{ uv_albedo: [1 1 0] }", "a.obj", "value.count"),
        ("{ uv_albedo: [1 1 0 x] }", "a.obj", "value.number"),
        ("{ uv_albedo: [1 1 0 nan] }", "a.obj", "value.range"),
        ("{ uv_albedo: 2 }", "a.obj", "value.kind"),
        ("[1 1 0 0]", "a.obj", "value.kind"),
        ("{ pos: [1 1 0 0] }", "a.obj", "asset.field"),
        (f"{{ {MOST} }}", "a.obj", "asset.field"),
        (f"{{ {MOST} }}", "a.glb", "asset.field"),
        ("{ uv_albedo: [1 1 0 0 0 0] }", "a.obj", "value.count"),
        ("{ uv_albedo: [1 1 0] }", "a.glb", "value.count"),
        ("{ uv_albedo: [1 1 0 0 0] }", "a.glb", "value.count"),
        ("{ uv_albedo: [1 1 0 0 inf 0] }", "a.glb", "value.range"),
        ("{ uv_albedo: [1 1 0 0 0 256] }", "a.glb", "value.range"),
        ("{ uv_albedo: [1 1 0 0 0 -1] }", "a.glb", "value.range"),
        ("{ uv_albedo: [1 1 0 0 0 0.5] }", "a.glb", "value.range"),
        ("{ uv_specular: [1 1 0 0 0 0  1 1 0 0 0 0.5] }", "a.glb", "value.range"),
        ("{ uv_albedo: [1 1 0 0] }", "a.hu", "asset.field"),
    ],
)
def test_what_is_no_coordinate_is_refused_with_its_place(text: str, source: str, code: str) -> None:
    with pytest.raises(InputError) as refused:
        read(text, source)
    (problem,) = refused.value.problems
    assert problem.position is not None
    assert (problem.code, problem.position.line) == (code, 1)
    assert problem.help

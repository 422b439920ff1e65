"""Claims about OBJ and MTL files: parts equal those written, and what is wrong costs itself alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.humon import InputError
from engine.obj import ObjFile, UvPlace, read_materials, read_obj

SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"


def obj(text: str | bytes) -> ObjFile:
    return read_obj(text if isinstance(text, bytes) else text.encode(), "a.obj")


def corners(file: ObjFile, part: int = 0) -> list[list[int]]:
    return file.parts[part].corners[:, 0].reshape(-1, 3).tolist()


def codes(file: ObjFile) -> list[tuple[str, int]]:
    return [(str(warning.code), warning.position.line) for warning in file.warnings]


def refused(text: str | bytes) -> str:
    with pytest.raises(InputError) as caught:
        obj(text)
    return str(caught.value.problems[0].code)


@given(st.integers(3, 12))
def test_polygons_are_fans_around_their_first_corner(count: int) -> None:
    text = "".join(f"v {at} 0 0\n" for at in range(count)) + "f " + " ".join(str(n + 1) for n in range(count))
    assert corners(obj(text)) == [[0, at, at + 1] for at in range(1, count - 1)]


def test_negative_numbers_count_from_the_last_vertex_before() -> None:
    file = obj("v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\nv 5 0 0\nv 6 0 0\nv 7 0 0\nf -3 -2 -1\n")
    assert corners(file) == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("face", "expected"),
    [
        ("1 2 3", [[0, -1, -1], [1, -1, -1], [2, -1, -1]]),
        ("1/1 2/2 3/1", [[0, 0, -1], [1, 1, -1], [2, 0, -1]]),
        ("1//1 2//1 3//1", [[0, -1, 0], [1, -1, 0], [2, -1, 0]]),
        ("1/1/1 2/2/1 3/2/1", [[0, 0, 0], [1, 1, 0], [2, 1, 0]]),
        ("1/-1/1 2 3//1", [[0, 1, 0], [1, -1, -1], [2, -1, 0]]),
        ("1/ 2/ 3/", [[0, -1, -1], [1, -1, -1], [2, -1, -1]]),
    ],
)
def test_corners_have_coordinates_and_normals_where_they_are_written(
    face: str, expected: list[list[int]]
) -> None:
    file = obj(f"{SQUARE}vt 0 0\nvt 1\nvn 0 0 1\nf {face}\n")
    assert file.parts[0].corners.tolist() == expected
    assert file.coordinates.tolist() == [[0, 0], [1, 0]]
    assert file.warnings == []


def test_lines_are_strips_and_points_are_points() -> None:
    file = obj(SQUARE + "l 1 2 3\np 4 1\n")
    found = {part.topology: part.corners[:, 0].tolist() for part in file.parts}
    assert found == {"lines": [0, 1, 1, 2], "points": [3, 0]}


def test_objects_groups_and_materials_divide_parts_and_equal_ones_are_joined() -> None:
    text = "o one\nusemtl red paint\nf 1 2 3\nusemtl blue\nf 1 3 4\n"
    text += "usemtl red paint\nf 2 3 4\ng zwei Ä\nf 1 2 4\n"
    file = obj(SQUARE + text)
    assert [(part.name, part.material, len(part.corners)) for part in file.parts] == [
        ("one", "red paint", 6),
        ("one", "blue", 3),
        ("zwei Ä", "red paint", 3),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_continued_lines_tabs_comments_and_ends_of_lines_are_read(end: str) -> None:
    text = "# a\n\tv 0 0 \\\n 0 # first\nv\t1 0 0\nv 0 1 0\nf 1 \\\n  2 \\\n  3 # all\ns 1\nf\t1 2 3\n"
    file = obj(text.replace("\n", end))
    assert sum(len(part.corners) for part in file.parts) == 6
    assert [part.smooth for part in file.parts] == [False, True]
    assert [part.line for part in file.parts] == [6, 10]
    assert file.positions.tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]


def test_colours_of_vertices_and_a_mark_of_byte_order_are_read() -> None:
    file = obj(b"\xef\xbb\xbfv 0 0 0 1 0 0\nv 1 0 0 0 1 0\nv 0 1 0 0 0 1\nf 1 2 3\n")
    assert file.colors is not None
    assert file.colors.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("f 1 2 9", "obj.index"),
        ("f 1 2 0", "obj.index"),
        ("f 1 2 -9", "obj.index"),
        ("f 1/1 2/1 3/1", "obj.index"),
        ("f 1/0 2/0 3/0", "obj.index"),
        ("f 1//1 2//1 3//1", "obj.index"),
        ("f 1 2", "obj.face"),
        ("f", "obj.face"),
        ("f 1 2 x", "obj.face"),
        ("f 1 2 3/1/1/1", "obj.face"),
        ("f 1 2 /3", "obj.face"),
        ("f 1 2 1.5", "obj.face"),
        ("f 1 2 1_0", "obj.face"),
        (f"f 1 2 {'9' * 30}", "obj.face"),
        ("l 1", "obj.face"),
        ("f 1 2 3 ٣", "obj.face"),
    ],
)
def test_a_wrong_face_is_left_out_with_a_warning_at_its_line(line: str, code: str) -> None:
    file = obj(f"{SQUARE}f 1 2 3\n{line}\nf 1 3 4\n")
    assert codes(file) == [(code, 6)]
    assert sum(len(part.corners) for part in file.parts) == 6


@pytest.mark.parametrize(
    "line",
    [
        "v 0 x 0",
        "v 0 0",
        "v",
        "v nan 0 0",
        "v 1e999 0 0",
        "v 1e39 0 0",
        "v inf 0 0",
        "v 3e38 0 0",
        "v 1_0 0 0",
        "v \u0661 0 0",
        "v 0,5 0 0",
    ],
)
def test_a_wrong_vertex_costs_the_faces_with_it(line: str) -> None:
    file = obj(f"{SQUARE}{line}\nf 1 2 3\nf 1 2 5\n")
    assert codes(file) == [("obj.number", 5)]
    assert corners(file) == [[0, 1, 2]]


def test_wrong_colours_cost_the_vertex_and_no_traceback() -> None:
    file = obj("v 0 0 0 1 1 1\nv 1 0 0 1 1 1\nv 0 1 0 1 1 1\nv 0 1 0 a b c\nf 1 2 3\n")
    assert codes(file) == [("obj.number", 4)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "obj.empty"),
        ("v 0 0 0\n", "obj.empty"),
        (SQUARE + "f 1 2 9\n", "obj.empty"),
        (b"v 0 0 0\0\n", "obj.encoding"),
        ("v 0 0 0\nf 1 1 1\n".encode("utf-16"), "obj.encoding"),
    ],
)
def test_a_file_that_nothing_is_left_of_is_refused(text: str | bytes, code: str) -> None:
    assert refused(text) == code


def test_of_very_many_wrong_lines_the_first_are_named() -> None:
    file = obj(SQUARE + "f 1 2 3\n" + "f 1 2 99\n" * 5000)
    assert 0 < len(file.warnings) <= 50


@given(
    st.lists(
        st.sampled_from(["v", "f", "1", "-1", "0", " ", "\n", "/", "\\", "\t", "vt", "1e9", "x", "#", "\r"])
    )
)
def test_any_text_is_read_or_refused(words: list[str]) -> None:
    text = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n" + "".join(words)
    file = obj(text)
    for part in file.parts:
        assert part.corners[:, 0].min() >= 0
        assert (part.corners < [len(file.positions), len(file.coordinates), len(file.normals)]).all()


def materials(text: str) -> tuple[Any, list[tuple[str, int]]]:
    found, lines = read_materials(text.encode(), "a.mtl")
    return found, [(str(warning.code), warning.position.line) for warning in lines.warnings]


def test_materials_have_the_values_written() -> None:
    found, warnings = materials(
        "newmtl red paint\nKd 1 0.5 0.25\nKe 2\nd 0.5\nPr 0.25\nPm 1\nNi 1.4\n"
        'map_Kd -s 2 2 2 -o 0 0 0 my picture.png\nnorm "a b.png"\nmap_Pr -clamp off tex\\r.png\n'
        "newmtl plain\n\tTr 0.25\n\tNs 0\n"
    )
    red, plain = found["red paint"], found["plain"]
    assert (red.diffuse, red.emissive, red.alpha) == ((1, 0.5, 0.25), (2, 2, 2), 0.5)
    assert (red.roughness, red.metallic, red.ior) == (0.25, 1, 1.4)
    assert red.placed == {"albedo": UvPlace((2, 2))}
    assert red.textures == {"albedo": "my picture.png", "normal": "a b.png", "roughness": "tex/r.png"}
    assert (plain.alpha, plain.roughness) == (0.75, 1)
    assert warnings == []


@pytest.mark.parametrize(
    "line",
    [
        "Kd x y z",
        "Kd 1 2",
        "Kd",
        "d",
        "d \u0661",
        "Ns 1_0",
        "Tr 0,5",
        "Pr nan",
        "map_Kd",
        "map_Kd -s 1 1",
        'norm "a',
        "bump b.png",
    ],
)
def test_a_wrong_value_of_a_material_is_left_out_with_a_warning(line: str) -> None:
    found, warnings = materials(f"newmtl a\n{line}\nPm 0.5\n")
    assert warnings == [("obj.material", 2)]
    assert found["a"].metallic == 0.5


@pytest.mark.parametrize(
    ("options", "scale", "offset"),
    [
        ("-s 2", (2, 1), (0, 0)),
        ("-s 2 3 4 -o .5 -.25 0", (2, 3), (0.5, -0.25)),
        ("-o 1 -s 0.5 0.5", (0.5, 0.5), (1, 0)),
        ("-s 1 1 1 -o 0 0 0", (1, 1), (0, 0)),
    ],
)
def test_maps_are_scaled_and_moved(options: str, scale: tuple[float, ...], offset: tuple[float, ...]) -> None:
    found, warnings = materials(f"newmtl a\nmap_Kd {options} a.png\n")
    assert warnings == []
    assert found["a"].textures == {"albedo": "a.png"}
    assert found["a"].placed.get("albedo", UvPlace()) == UvPlace(scale, offset)


def test_a_map_that_is_written_again_is_placed_as_it_is_then() -> None:
    found, _ = materials("newmtl a\nmap_Kd -s 2 2 a.png\nmap_Kd b.png\n")
    assert (found["a"].textures, found["a"].placed) == ({"albedo": "b.png"}, {})


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("-t 0.1", ["-t 0.1"]),
        ("-t 0 0 0", []),
        ("-clamp on", ["-clamp on"]),
        ("-clamp off -blendu on -blendv on -cc off -mm 0 1 -bm 1.0 -boost 0", []),
        ("-mm 0.2 1", ["-mm 0.2 1"]),
        ("-bm 2 -imfchan l", ["-bm 2", "-imfchan l"]),
        ("-texres 512", ["-texres 512"]),
        ("-glow 5", ["-glow 5"]),
    ],
)
def test_an_option_that_changes_a_map_and_is_not_drawn_is_a_warning(options: str, named: list[str]) -> None:
    found, lines = read_materials(f"newmtl a\nmap_Kd {options} a.png\n".encode(), "a.mtl")
    assert [warning.message.split("'")[1] for warning in lines.warnings] == named
    assert {warning.position.line for warning in lines.warnings} <= {2}
    assert found["a"].textures == {"albedo": "a.png"}


@pytest.mark.parametrize("options", ["-s x", "-s 1e13", "-o nan", "-s 1e400 1"])
def test_a_map_with_a_wrong_scale_is_left_out_or_read_as_a_name(options: str) -> None:
    found, _ = materials(f"newmtl a\nmap_Kd {options} a.png\n")
    assert found["a"].placed == {}


@pytest.mark.parametrize(
    ("key", "hint"), [("bump", "`norm`"), ("map_Ks", "`map_Kd`"), ("refl", "sky"), ("decal", "`map_Kd`")]
)
def test_a_map_that_is_not_drawn_has_a_hint_of_its_own(key: str, hint: str) -> None:
    _, lines = read_materials(f"newmtl a\n{key} a.png\n".encode(), "a.mtl")
    [warning] = lines.warnings
    assert hint in warning.help
    assert ("normal maps" in warning.help) == (key == "bump")


def test_colours_are_limited_to_what_can_be_drawn() -> None:
    found, _ = materials("newmtl a\nKd 1e300 -1 0\nKe 1e300 0 0\n")
    assert found["a"].diffuse == (1, 0, 0)
    assert found["a"].emissive == (1000, 0, 0)


def test_normals_that_have_no_length_point_up_and_missing_ones_are_flat() -> None:
    from engine.assets.importers.models.obj_parts import obj_source

    flat = obj_source(obj(SQUARE + "f 1 2 3 4\n"), "/parts/0").lods[0]
    assert flat.attributes["normal"].tolist() == [[0, 0, 1]] * 6
    given_ = obj_source(obj(SQUARE + "vn 0 0 0\nvn 0 0 2\nf 1//1 2//2 3//2\n"), "/parts/0").lods[0]
    np.testing.assert_array_equal(given_.attributes["normal"], [[0, 1, 0], [0, 0, 1], [0, 0, 1]])


def test_coordinates_count_downwards_from_the_upper_edge_as_pictures_do() -> None:
    from engine.assets.importers.models.obj_parts import obj_source

    source = obj_source(obj(SQUARE + "vt 0.25 0.25\nf 1/1 2/1 3/1\n"), "/parts/0").lods[0]
    assert source.attributes["uv_albedo"].tolist() == [[0.25, 0.75]] * 3


LONG = "9" * 1_000_000
WRONG_WORDS = [
    ("v 1e999 nan 0x1", "'1e999' is beyond 1e+12; what is drawn with it is left out", "5:3"),
    ("v 1 nan 0x1", "'nan' is not finite; what is drawn with it is left out", "5:5"),
    ("  v\t1 -inf 0x1", "'-inf' is not finite; what is drawn with it is left out", "5:10"),
    ("v 1 2 0x1", "'0x1' is no number; what is drawn with it is left out", "5:7"),
    ("v 1 \\\n  2 \\\n  1_0", "'1_0' is no number; what is drawn with it is left out", "7:3"),
    ("v 1 2", "there are 2 numbers of 3; what is drawn with it is left out", "5:1"),
    (f"v 1 2 {LONG}", f"'{'9' * 40}...' is beyond 1e+12; what is drawn with it is left out", "5:7"),
    (f"v 1 2 {LONG}x", f"'{'9' * 40}...' is no number; what is drawn with it is left out", "5:7"),
    ("vt 0.5 one", "'one' is no number; what is drawn with it is left out", "5:8"),
    ("vt nan", "'nan' is not finite; what is drawn with it is left out", "5:4"),
    ("vn 0 1e13 x", "'1e13' is beyond 1e+12; what is drawn with it is left out", "5:6"),
    (
        "f 1 2 x 9",
        "'x' is no corner: write vertex, vertex/texture or vertex/texture/normal; it is left out",
        "5:7",
    ),
    ("f 1 9 x", "number 9 is none of 4 vertices; it is left out", "5:5"),
    (
        f"f 1 2 {LONG}",
        f"'{'9' * 40}' is no corner: write vertex, vertex/texture or vertex/texture/normal; it is left out",
        "5:7",
    ),
    ("l 1", "there are 1 corners; at least 2 are needed; it is left out", "5:1"),
]


@pytest.mark.parametrize(
    ("text", "message", "place"), WRONG_WORDS, ids=[text[:20] for text, _, _ in WRONG_WORDS]
)
def test_the_first_wrong_word_of_a_line_is_named_where_it_stands(text: str, message: str, place: str) -> None:
    (problem,) = obj(f"{SQUARE}{text}\nf 1 2 3\n").warnings
    assert (problem.message, str(problem.position)) == (message, f"a.obj:{place}")
    *_, caret = problem.excerpt.splitlines()
    assert caret.strip() == "^"


@pytest.mark.parametrize(
    ("line", "reason", "column"),
    [
        ("Kd 1e999 nan 0x1", "'1e999' is beyond 1.8e+308", 4),
        ("Kd 1 nan 0x1", "'nan' is not finite", 6),
        ("Ke 0 0 0x1", "'0x1' is no number", 8),
        ("d -halo x", "'x' is no number", 9),
        ("Ns inf", "'inf' is not finite", 4),
        (f"Pr {LONG}x", f"'{'9' * 40}...' is no number", 4),
        ("Kd 1 2", "a colour has three numbers", 1),
        ("Pm", "there is no number", 1),
        ('map_Kd "a', "a quotation mark in it has no other one", 1),
        ("map_Kd -s 1 1", "it names no file", 1),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_wrong_value_of_a_material_is_named_where_it_stands(line: str, reason: str, column: int) -> None:
    _, lines = read_materials(f"newmtl a\n{line}\n".encode(), "a.mtl")
    (problem,) = lines.warnings
    assert problem.message == f"'{line.split()[0]}' of 'a' is left out: {reason}"
    assert str(problem.position) == f"a.mtl:2:{column}"

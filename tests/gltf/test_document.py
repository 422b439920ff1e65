"""Claims about opening a file: buffers, URIs, extensions, places of problems, and their bounds."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from support.gltf_features import FEATURES
from support.gltf_files import GltfFile, glb
from support.gltf_malformed import base
from support.gltf_reading import document, no_file, opened, refused

from engine.gltf import Gltf, read_gltf
from engine.gltf.extensions import SUPPORTED
from engine.humon import InputError


def test_a_problem_names_line_column_pointer_and_byte_of_a_text_file() -> None:
    text = '{"asset": {"version": "2.0"},\n\t"meshes": [{"name": "ü"}, 7]}'
    item = read_gltf(text.encode(), "a.gltf", no_file).array("meshes")[1]
    problem = item.problem("gltf.value", "wrong")
    assert problem.message == f"wrong (at /meshes/1, byte {text.encode().index(b'7')})"
    assert (problem.position.line, problem.position.column) == (2, text.splitlines()[1].index("7") + 4)
    *_, caret, hint = problem.render().splitlines()
    assert caret.strip() == "^"
    assert hint == "help: export the model again: the file does not follow glTF 2.0"


def test_in_a_binary_file_the_byte_counts_from_its_beginning() -> None:
    content = glb(json.dumps({"asset": {"version": "2.0"}, "meshes": [7]}).encode())
    problem = read_gltf(content, "a.glb", no_file).array("meshes")[0].problem("gltf.value", "wrong")
    byte = int(problem.message.rpartition("byte ")[2][:-1])
    assert content[byte : byte + 1] == b"7"
    assert str(problem.position) == "a.glb"


def test_of_very_many_problems_the_later_ones_have_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.gltf.document.MAX_SOUGHT", 20_000)
    gltf = document({"extras": " " * 3_000, "meshes": [1] * 100})
    messages = [item.problem("gltf.value", "wrong").message for item in gltf.array("meshes")]
    placed = sum("byte" in message for message in messages)
    assert placed == 20_000 // 3_000 + 1
    assert all("(at /meshes/" in message for message in messages)


def test_a_byte_order_mark_is_skipped_and_counted() -> None:
    gltf = read_gltf(b'\xef\xbb\xbf{"asset": {"version": "2.0"}}', "a.gltf", no_file)
    assert "byte 3)" in gltf.root.problem("gltf.value", "wrong").message


def test_the_buffer_of_a_binary_file_is_not_copied() -> None:
    content = FEATURES["triangle"]().glb()
    gltf = read_gltf(content, "a.glb", no_file)
    assert np.shares_memory(
        np.frombuffer(gltf.buffer(gltf.array("buffers")[0]), np.uint8), np.frombuffer(content, np.uint8)
    )


def test_a_buffer_is_read_once_and_its_failure_is_the_same_each_time() -> None:
    asked = []

    def open_file(name: str, place: object) -> bytes:
        asked.append(name)
        return bytes(4)

    root = {"asset": {"version": "2.0"}, "buffers": [{"byteLength": 8, "uri": "a%20b.bin"}]}
    gltf = read_gltf(json.dumps(root).encode(), "a.gltf", open_file)
    first = refused(lambda: gltf.buffer(gltf.array("buffers")[0]))
    assert refused(lambda: gltf.buffer(gltf.array("buffers")[0])) is first
    assert asked == ["a b.bin"]
    assert "4 bytes" in first.message


@pytest.mark.parametrize(
    ("uri", "content"),
    [
        ("data:;base64,AQID", b"\1\2\3"),
        ("DATA:a/b;base64,AQID", b"\1\2\3"),
        ("data:text/plain,a%01%62", b"a\1b"),
    ],
)
def test_data_uris_are_decoded(uri: str, content: bytes) -> None:
    gltf = document({"buffers": [{"byteLength": len(content), "uri": uri}]})
    assert bytes(gltf.buffer(gltf.array("buffers")[0])) == content


def test_a_required_extension_that_is_not_supported_is_an_error_that_names_it() -> None:
    problem = refused(lambda: document({"extensionsRequired": ["KHR_materials_transmission"]}))
    assert (problem.code, "'KHR_materials_transmission'" in problem.message) == ("gltf.extension", True)
    assert problem.help == "export the model without it"


def test_a_used_extension_that_is_not_supported_is_a_warning() -> None:
    gltf = document({"extensionsUsed": ["KHR_materials_ior", "ADOBE_own"]})
    assert [(w.code, w.severity.value, "'ADOBE_own'" in w.message) for w in gltf.warnings] == [
        ("gltf.extension", "warning", True)
    ]


def test_of_thousands_of_extensions_the_first_are_named_and_the_others_counted() -> None:
    file = base()
    file.root["extensionsUsed"] = [f"X_{number}" for number in range(5000)]
    warnings = opened(file).warnings
    assert len(warnings) == 101
    assert "'X_99' is not supported" in warnings[99].message
    assert "4900 more extensions are not supported" in warnings[100].message


def test_a_warning_of_an_extension_blames_no_exporter() -> None:
    [warning] = document({"extensionsUsed": ["KHR_materials_sheen"]}).warnings
    assert "does not follow glTF" not in warning.help


@pytest.mark.parametrize(
    ("asset", "place"),
    [
        ({"version": "2.1", "minVersion": "2.1"}, "/asset/minVersion"),
        ({"version": "2.0", "minVersion": "3.0"}, "/asset/minVersion"),
        ({"version": "3.0"}, "/asset/version"),
        ({"version": "two"}, "/asset/version"),
    ],
)
def test_a_file_that_needs_another_version_is_refused(asset: dict[str, str], place: str) -> None:
    problem = refused(lambda: document({"asset": asset}))
    assert (problem.code, f"(at {place}, byte " in problem.message) == ("gltf.version", True)


@pytest.mark.parametrize(
    "asset",
    [{"version": "2.1"}, {"version": "2.1", "minVersion": "2.0"}, {"version": "3.0", "minVersion": "2.0"}],
)
def test_a_file_that_version_2_0_suffices_for_is_read(asset: dict[str, str]) -> None:
    assert document({"asset": asset}).warnings == []


def test_a_name_that_is_no_string_is_a_warning_at_it() -> None:
    gltf = document({"nodes": [{"name": "a"}, {"name": 5}], "meshes": [{"name": None}]})
    found = [(warning.code, warning.message.rpartition("(at ")[2].split(",")[0]) for warning in gltf.warnings]
    assert found == [("gltf.value", "/nodes/1/name"), ("gltf.value", "/meshes/0/name")]


def test_every_extension_that_is_supported_has_a_file_that_uses_it() -> None:
    used = {name for make in FEATURES.values() for name in make().root.get("extensionsUsed", [])}
    assert used & SUPPORTED == SUPPORTED


def test_a_key_that_stands_twice_is_a_warning_at_its_last_value() -> None:
    text = '{"asset": {"version": "2.0"}, "nodes": [{"mesh": 1, "mesh": 2}]}'
    gltf = read_gltf(text.encode(), "a.gltf", no_file)
    [warning] = gltf.warnings
    assert (warning.code, gltf.array("nodes")[0].required("mesh").value) == ("gltf.json", 2)
    assert f"(at /nodes/0/mesh, byte {text.index('2}')})" in warning.message


def test_a_package_that_is_absent_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, package in (("EXT_meshopt_compression", "meshopt"), ("KHR_draco_mesh_compression", "DracoPy")):
        file = FEATURES[name]()
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, package, None)
            problem = refused(lambda file=file: _first_primitive(opened(file)))
        assert problem.code == "gltf.extension"
        assert f"pip install {package}" in problem.help


def _first_primitive(gltf: Gltf) -> object:
    from engine.gltf import read_primitive

    return read_primitive(gltf.at("/meshes/0/primitives/0"))


@pytest.mark.parametrize(
    "pointer", ["/meshes/7", "/meshes/x", "/nothing", "/meshes/0/no", f"/meshes/{'9' * 5000}"]
)
def test_a_pointer_that_names_nothing_is_refused(pointer: str) -> None:
    assert refused(lambda: opened(FEATURES["triangle"]()).at(pointer)).code == "gltf.reference"


def test_more_values_than_the_limit_are_refused_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.gltf.document.MAX_JSON_VALUES", 100)
    problem = refused(lambda: document({"extras": [0] * 200}))
    assert problem.code == "gltf.limit"


def test_a_file_of_no_parts_opens() -> None:
    assert opened(GltfFile()).array("meshes") == []


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_a_constant_that_is_no_json_is_refused_where_it_stands(word: str) -> None:
    text = f'{{\n  "asset": {{"version": "2.0"}},\n  "x": ["{word}", {word}]\n}}'
    with pytest.raises(InputError) as caught:
        read_gltf(text.encode(), "model.gltf", no_file)
    (problem,) = caught.value.problems
    at = text.rindex(word)
    assert problem.code == "gltf.json"
    assert problem.message == f"the JSON is damaged: {word} is no number of JSON (byte {at})"
    assert str(problem.position) == f"model.gltf:3:{at - text.rindex(chr(10), 0, at)}"
    assert problem.excerpt.startswith('"x": [')


@pytest.mark.parametrize("number", ["9" * 5000, "-" + "9" * 100_000, "1e400", "9" * 5000 + ".5"])
def test_a_huge_number_costs_only_what_reads_it(number: str) -> None:
    text = f'{{"asset": {{"version": "2.0"}}, "extras": {number}, "scene": {number}, "nodes": [{{}}]}}'
    gltf = read_gltf(text.encode(), "model.gltf", no_file)
    assert gltf.array("nodes")[0].value == {}
    with pytest.raises(InputError) as caught:
        gltf.root.required("scene").integer()
    (problem,) = caught.value.problems
    assert problem.message.startswith("the number is not finite (at /scene, byte ")
    with pytest.raises(InputError) as caught:
        gltf.root.required("extras").text()
    assert len(caught.value.problems[0].message) < 200


@pytest.mark.parametrize("content", [bytes(range(128, 256)), b"random words", b"\x89PNG\r\n\x1a\n", b""])
def test_a_file_that_is_no_glb_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(InputError) as raised:
        read_gltf(content, "a.glb", no_file)
    (problem,) = raised.value.problems
    assert problem.code == "gltf.container"
    assert problem.message.startswith("the file is no GLB: it begins with b'")

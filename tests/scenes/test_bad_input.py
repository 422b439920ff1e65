"""Claims about bad input of features: each is reported at its line with a hint, and the rest is planned."""

from __future__ import annotations

from pathlib import Path

from engine.humon import Problem, Severity
from engine.testing import assert_planned, open_scene

MESH = """mesh: { name: NAME
    vertices: { pos: [[0 0 0] [1 0 0] [0 1 0]]  normal: [[0 0 1] [0 0 1] [0 0 1]]
        uv_albedo: [[0 0] [1 0] [0 1]]  frameIdxs: [INDICES]  frameWeights: [WEIGHTS] }
    indices: [[0 1 2]]  bones: [BONES] }
"""
MESHES = {
    "good": ("0 0 0", "[1] [1] [1]", "{ name: root }"),
    "past": ("0 0 9", "[1] [1] [1]", "{ name: root }"),
    "heavy": ("0 0 0", "[1] [1] [3]", "{ name: root }"),
    "cyclic": ("0 0 0", "[1] [1] [1]", "{ name: root  parent: tip } { name: tip  parent: root }"),
}
FORMAT = (
    "[pos r32g32b32_sfloat] [normal r32g32b32_sfloat] [uv_albedo r32g32_sfloat] [frameIdxs r8_uint]"
    " [frameWeights r32_sfloat]"
)
WARNED = {  # the line of an object, or of an asset: a part of the code and of the hint
    "{ @type: shadowCaster }": ("feature.nothing", "asset"),
    "{ @type: skin  bones: nowhere }": ("skin.bones", "the path of an object"),
    "{ @type: camera  near: 5  far: 2 }": ("value.range", "far"),
    "{ @type: healthBar  bind: good.shadowCaster.lives }": ("field.unknown", "empty now"),
    "{ @type: animation  clip: [own lost] }": ("animation.target", "below"),
}


def written(folder: Path) -> Path:
    """Write the scene: an object for each bad feature, bad assets that objects name, and a good one."""
    rows = []
    for name, (indices, weights, bones) in MESHES.items():
        text = MESH.replace("NAME", name).replace("INDICES", indices).replace("WEIGHTS", weights)
        (folder / f"{name}.mesh.hu").write_text(text.replace("BONES", bones))
        rows.append(f"{{ @type: mesh  name: {name}  source: {name}.mesh.hu  skeleton: {name}")
        rows.append(f"  lods: [{{ topology: triangle_list  vertices: {name}  indices: {name}I }}] }}")
        rows.append(f"{{ @type: vertices  name: {name}  source: {name}  vertexFormat: [{FORMAT}] }}")
        rows.append(f"{{ @type: indices  name: {name}I  source: {name}  indexFormat: uint16 }}")
        rows.append(f"{{ @type: skeleton  name: {name}  source: {name} }}")
    (folder / "lost.hu").write_text(
        "animation: { channels: [{ target: gone  property: translation  times: [0]  values: [[0 0 0]] }] }\n"
    )
    rows.append("{ @type: animation  name: lost  source: lost.hu }")
    objects = [f"o{n}: {{ features: [{row}] }}" for n, row in enumerate(WARNED)]
    objects[1] = objects[1].replace("[{", "[{ @type: shadowCaster  asset: [own good] } {")
    objects.append("sun: { features: [{ @type: light }] }")
    for name in MESHES:
        features = f"{{ @type: shadowCaster  asset: [own {name}] }} {{ @type: skin }}"
        objects.append(f"{name}: {{ features: [{features}]  objects: {{ root: {{}} }} }}")
    path = folder / "bad.hu"
    path.write_text(
        "version: 1\nassetDb: { name: own  assets: [\n" + "\n".join(rows) + "\n] }\n"
        "tableau: { name: t  objects: {\n" + "\n".join(objects) + "\n} }\n"
    )
    return path


def test_what_is_wrong_in_a_scene_is_reported_at_its_line_and_the_rest_is_planned(tmp_path: Path) -> None:
    path = written(tmp_path)
    with open_scene(path, profile="lavapipe", size=(32, 32)) as scene:
        problems = scene.problems
        lines = path.read_text().splitlines()
        for text, (code, hint) in WARNED.items():
            line = next(n for n, row in enumerate(lines, 1) if text in row)
            found = [one for one in problems if one.code == code and one.position.line == line]
            assert [(one.severity, hint in one.help) for one in found] == [(Severity.WARNING, True)], text
        assert_planned(scene, "good")


def said(problems: tuple[Problem, ...], code: str, name: str) -> list[Problem]:
    return [one for one in problems if one.code == code and name in str(one.position)]


def test_bad_meshes_are_reported_in_their_files(tmp_path: Path) -> None:
    with open_scene(written(tmp_path), profile="lavapipe", size=(32, 32)) as scene:
        for code, name in (
            ("mesh.skin", "past.mesh.hu"),
            ("mesh.skin", "heavy.mesh.hu"),
            ("mesh.bone", "cyclic.mesh.hu"),
        ):
            assert [bool(one.help) for one in said(scene.problems, code, name)] == [True], (code, name)
        assert_planned(scene, "heavy")

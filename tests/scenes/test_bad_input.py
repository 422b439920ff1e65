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
WARNED = {  # the line of an object: the code, what the caret is under, and a part of the hint
    "{ @type: shadowCaster }": ("feature.nothing", "@type", "asset"),
    "{ @type: skin  bones: nowhere }": ("skin.bones", "nowhere", "the path of an object"),
    "{ @type: skin  bones: sun }": ("skin.bones", "sun", "add objects of these names"),
    "{ @type: camera  near: 5  far: 2 }": ("value.range", "2 }", "far"),
    "{ @type: camera  viewport: [0 0 0 1] }": ("value.range", "[0 0 0 1]", "fills the picture"),
    "{ @type: camera  fovY: 40 }": ("camera.scale", "@type", "looks along -Z now"),
    "{ @type: healthBar  bind: good.shadowCaster.lives }": ("field.unknown", "good.sh", "empty now"),
    "{ @type: healthBar  bind: good }": ("overlay.camera", "@type", "on the object of a camera"),
    "{ @type: healthBar  minimum: 4  maximum: 2 }": ("value.range", "2 }", "a larger `maximum`"),
    "{ @type: reticle  size: 5 }": ("overlay.camera", "@type", "on the object of a camera"),
    "{ @type: areaMap  size: 50 }": ("overlay.camera", "@type", "on the object of a camera"),
    "{ @type: animation  clip: [own lost] }": ("animation.target", "[own lost]", "below"),
    "{ @type: animation  clip: [own lost]  second: [own lost] }": ("animation.target", "[own lost]", "below"),
    "{ @type: animation  clip: [own lost]  blend: 0.5 }": ("field.unused", "0.5", "`second`"),
    "{ @type: light  unit: lumen }": ("field.unused", "lumen", "`kind: point`"),
    "{ @type: light  range: 5  shadows: off }": ("field.unused", "5", "`kind: point`"),
    "{ @type: light  kind: point  outerAngle: 50 }": ("field.unused", "50", "`kind: spot`"),
    "{ @type: light  innerAngle: 5 }": ("field.unused", "5", "`kind: spot`"),
    "{ @type: light  kind: spot  cascades: 2 }": ("field.unused", "2", "`kind: directional`"),
    "{ @type: light  kind: point  shadowDistance: 9 }": ("field.unused", "9", "`kind: directional`"),
    "{ @type: light  kind: point  sky: [1 0 0] }": ("field.unused", "[1 0 0]", "set it there"),
    "{ @type: light  ground: [1 0 0] }": ("field.unused", "[1 0 0]", "set it there"),
    "{ @type: healthBar  anchor: top  offsetX: 7 }": ("field.unused", "7", "anchor it to an edge"),
    "{ @type: areaMap  anchor: left  offsetY: 8 }": ("field.unused", "8", "anchor it to an edge"),
    "{ @type: light  shadows: on }": ("light.shadows", "on", "`shadows: off`"),
    "{ @type: light  kind: spot  innerAngle: 40 }": ("value.range", "40", "up to `outerAngle`"),
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
    objects = [f"o{n}: {{ scale: SCALE  features: [{row}] }}" for n, row in enumerate(WARNED)]
    for number, row in enumerate(WARNED):
        scale = "[0 0 0]" if WARNED[row][0] == "camera.scale" else "[1 1 1]"
        objects[number] = objects[number].replace("SCALE", scale)
        if row.startswith("{ @type: skin"):
            caster = "{ @type: shadowCaster  asset: [own good] }"
            objects[number] = objects[number].replace("features: [", f"features: [{caster} ")
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
        for text, (code, pointed, hint) in WARNED.items():
            line = next(n for n, row in enumerate(lines, 1) if text in row)
            found = [one for one in problems if one.code == code and one.position.line == line]
            assert {(one.severity, hint in one.help) for one in found} == {(Severity.WARNING, True)}, text
            for one in found:
                assert lines[line - 1][one.position.column - 1 :].startswith(pointed), text
                shown, caret = one.excerpt.splitlines()
                assert shown[len(caret) - 1 :].startswith(pointed), text
        assert_planned(scene, "good")


def said(problems: tuple[Problem, ...], code: str, name: str) -> list[Problem]:
    return [one for one in problems if one.code == code and name in str(one.position)]


def test_a_field_in_a_text_with_tabs_and_comments_has_the_caret_under_its_value(tmp_path: Path) -> None:
    path = tmp_path / "tabs.hu"
    path.write_text(
        "version: 1\ntableau: { name: t  objects: {\n"
        "\teye: { features: [ // above\n\t\t{ // first\n\t\t@type: camera\tfovY: 40\n"
        "\t\tnear:\t5 // m\n\t\tfar:\t/* m */ 2.0\n\t} ] }\n} }\n"
    )
    with open_scene(path, profile="lavapipe", size=(32, 32)) as scene:
        (problem,) = (one for one in scene.problems if one.code == "value.range")
        assert problem.position is not None
        assert problem.position.line == 7
        shown, caret = problem.excerpt.splitlines()
        assert shown[len(caret) - 1 :] == "2.0"


def test_bad_meshes_are_reported_in_their_files(tmp_path: Path) -> None:
    with open_scene(written(tmp_path), profile="lavapipe", size=(32, 32)) as scene:
        for code, name in (
            ("mesh.skin", "past.mesh.hu"),
            ("mesh.skin", "heavy.mesh.hu"),
            ("mesh.bone", "cyclic.mesh.hu"),
        ):
            assert [bool(one.help) for one in said(scene.problems, code, name)] == [True], (code, name)
        assert_planned(scene, "heavy")


BONES = "{ pos: [[0 0 0] [1 0 0] [0 1 0]] }  indices: [[0 1 2]]  bones: [BONES]"
SOURCES = {  # the file of an asset: its text, and the code and message of what is wrong in it
    "own.hu": (
        f"mesh: {{ vertices: {BONES.replace('BONES', '{ name: root  parent: root }')} }}",
        "mesh.bone",
        "bone 'root' is its own parent",
    ),
    "late.hu": (
        f"mesh: {{ vertices: {BONES.replace('BONES', '{ name: tip  parent: root } { name: root }')} }}",
        "mesh.bone",
        "bone 'tip' comes before its parent 'root'",
    ),
    "lost.hu": (
        f"mesh: {{ vertices: {BONES.replace('BONES', '{ name: tip  parent: root }')} }}",
        "mesh.bone",
        "bone 'tip' has the parent 'root', and there is no such bone",
    ),
    "still.hu": (
        "animation: { channels: [{ property: scale  times: []  values: [] }] }",
        "animation.times",
        "the channel has no times, so it has no keys",
    ),
    "flat.hu": (
        "animation: { channels: [{ property: scale  times: [[0 1]]  values: [[1 1 1]] }] }",
        "animation.times",
        "a time is one number, and these have 2",
    ),
    "none.hu": ("animation: { channels: [] }", "animation.channel", "the clip has no channels"),
}


def test_sources_that_are_wrong_in_themselves_say_why_in_their_own_files(tmp_path: Path) -> None:
    rows = []
    for name, (text, code, _) in SOURCES.items():
        (tmp_path / name).write_text(text + "\n")
        kind = "skeleton" if code == "mesh.bone" else "animation"
        if kind == "skeleton":
            rows.append(f"{{ @type: mesh  name: {name}m  source: {name}  lods: [{{ topology: triangle_list")
            rows.append(f"  vertices: {name}v  indices: {name}i }}] }}")
            rows.append(f"{{ @type: vertices  name: {name}v  source: {name}m  vertexFormat: [{FORMAT}] }}")
            rows.append(f"{{ @type: indices  name: {name}i  source: {name}m  indexFormat: uint16 }}")
        source = f"{name}m" if kind == "skeleton" else name
        rows.append(f"{{ @type: {kind}  name: {name}  source: {source} }}")
    faces = "px.png nx.png py.png ny.png pz.png nz.png"
    rows.append(f"{{ @type: environment  name: sky  sources: [{faces}] }}")
    for face in ("px", "nx"):
        (tmp_path / f"{face}.png").write_bytes(b"")
    path = tmp_path / "scene.hu"
    path.write_text(
        "version: 1\nassetDb: { name: own  assets: [\n" + "\n".join(rows) + "\n] }\n"
        "tableau: { name: t  objects: { sun: { features: [{ @type: light }] } } }\n"
    )
    with open_scene(path, profile="lavapipe", size=(32, 32)) as scene:
        for name, (_, code, message) in SOURCES.items():
            (problem,) = (p for p in said(scene.problems, code, f"/{name}:"))
            assert message in problem.message, name
            assert problem.help, name
            assert problem.excerpt.endswith("^"), name
        (sky,) = (p for p in scene.problems if "environment 'sky'" in p.message)
        assert "there is no file 'py.png' (and 3 more)" in sky.message
        assert (
            path.read_text().splitlines()[sky.position.line - 1][sky.position.column - 1 :].startswith("py")
        )
        assert sky.help

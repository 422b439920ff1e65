"""Claims about scenes with a broken part: one placeholder, one warning with its place, the rest draws."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from support.scenes import ROOT, running

pytestmark = pytest.mark.gpu

ASSETS = "assets/builtin/material"


@pytest.fixture
def project(tmp_path) -> Path:
    """A copy of the scenes and assets to break."""
    for folder in ("scenes", "assets"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.ogCache*"))
    return tmp_path


def opened(project: Path):
    return running(project / "scenes" / "cube.hu")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def share_of(pixels: np.ndarray, condition) -> float:
    red, green, blue = (pixels[..., channel].astype(int) for channel in range(3))
    return float(condition(red, green, blue).mean())


def magenta(red, green, blue):
    return (red > 60) & (blue > 60) & (green < 0.6 * np.minimum(red, blue))


def warned(runtime, text: str) -> str:
    """The one warning that has `text` in it."""
    found = [p.render() for p in runtime.problems if text in p.render()]
    assert len(found) == 1, "\n".join(p.render() for p in runtime.problems)
    assert "warning[" in found[0]
    return found[0]


def test_a_whole_scene_warns_of_nothing(project):
    with opened(project) as runtime:
        assert runtime.problems == ()
        assert share_of(runtime.read_pixels(), magenta) < 0.001


def test_a_missing_texture_costs_one_placeholder_and_is_told_with_its_line(project):
    (project / ASSETS / "brick-albedo.png").unlink()
    with opened(project) as runtime:
        problem = warned(runtime, "brick-albedo.png")
        assert "warning" in problem
        line = next(
            number
            for number, text in enumerate((project / "scenes/cube.assets.hu").read_text().splitlines(), 1)
            if "brick-albedo.png" in text
        )
        assert f"cube.assets.hu:{line}:" in problem
        pixels = runtime.read_pixels()
    assert share_of(pixels, magenta) > 0.02
    assert share_of(pixels, lambda r, g, b: (r > 90) & (abs(r - g) < 12)) > 0.3  # the ground is as it was


def test_a_glsl_error_is_told_at_its_line_and_the_placeholder_material_draws(project):
    edit(project / ASSETS / "defaultMaterial.fs.glsl", "vec3 n = normalize(", "vec3 n = normalise(")
    with opened(project) as runtime:
        problem = warned(runtime, "no matching overloaded function found\n")
        number = (project / ASSETS / "defaultMaterial.fs.glsl").read_text().split("normalise")[0].count(
            "\n"
        ) + 1
        assert f"defaultMaterial.fs.glsl:{number}" in problem
        assert runtime.renderer.draws.instances == 3


def test_a_shader_input_that_the_mesh_lacks_is_named_and_the_placeholder_material_draws(project):
    edit(project / ASSETS / "defaultMaterial.vs.glsl", "in vec3 normal;", "in vec3 normals;")
    edit(project / ASSETS / "defaultMaterial.vs.glsl", "cofactors * normal;", "cofactors * normals;")
    with opened(project) as runtime:
        problem = warned(runtime, "'normals', which vertices 'plane' does not have")
        assert "shader.interface" in problem
        assert "cube.assets.hu:" in problem
        assert runtime.renderer.draws.instances == 3


def test_stages_that_disagree_about_a_binding_are_told_and_the_placeholder_material_draws(project):
    edit(
        project / ASSETS / "defaultMaterial.vs.glsl",
        "buffer Draws { uvec2 row[]; } draws;",
        "buffer Draws { uvec2 row[]; } draws;\n"
        "layout(set = 0, binding = 4) uniform Wrong { vec4 x; } shadowMap;",
    )
    edit(
        project / ASSETS / "defaultMaterial.vs.glsl",
        "material = row.y;",
        "material = row.y + uint(shadowMap.x.x);",
    )
    with opened(project) as runtime:
        told = [problem.render() for problem in runtime.problems]
        assert len(told) == 2  # one for each material that uses the shaders
        assert all("binding 4 is Wrong 'shadowMap' in one stage" in text for text in told)
        assert runtime.renderer.draws.instances == 3


def test_a_binding_that_nothing_provides_is_named_and_the_placeholder_material_draws(project):
    edit(
        project / ASSETS / "defaultMaterial.fs.glsl",
        "layout(set = 0, binding = 4)",
        "layout(set = 0, binding = 5) uniform Weather { vec4 rain; } weather;\nlayout(set = 0, binding = 4)",
    )
    edit(
        project / ASSETS / "defaultMaterial.fs.glsl", "colour = vec4(1.0", "colour = weather.rain + vec4(1.0"
    )
    with opened(project) as runtime:
        told = [problem.render() for problem in runtime.problems]
        assert len(told) == 2  # one for each material that uses the shaders
        assert all("shader.interface" in text and "'weather'" in text for text in told)
        assert runtime.renderer.draws.instances == 3


def test_a_feature_that_raises_is_switched_off_and_told_once_while_frames_go_on(project, monkeypatch):
    from features.light import Light

    def broken(self, frame):
        raise RuntimeError("no bulb")

    monkeypatch.setattr(Light, "frame_values", broken)
    with opened(project) as runtime:
        problem = warned(runtime, "no bulb")
        assert "light on 'sun'" in problem
        assert "cube.hu:" in problem
        before = runtime.frame().number
        assert runtime.frame().number == before + 1
        assert runtime.renderer.draws.instances > 0

"""Claims about point and spot lights: clusters change nothing, shadows fall, light ends at its range."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support import images
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from features.light import Light

pytestmark = pytest.mark.gpu

SCENE = """version: 1
tableau: { name: t  objects: {
    ground: { scale: [20 1 20]  translation: [0 -0.5 0]
              features: [{ @type: visibleModel  asset: [builtin placeholder] }] }
    cube: { translation: [0 0.5 0]  scale: [0.5 1 0.5]  features: [
        { @type: visibleModel  asset: [builtin placeholder] } { @type: shadowCaster } ] }
    camera: { translation: [0 6 8]  euler: [-37 0 0]
              features: [{ @type: camera  toneMapping: none  antialiasing: none CAMERA }] }
    LIGHTS
} }
"""


@contextmanager
def opened(
    folder: Path, lights: str, camera: str = "", size: tuple[int, int] = (96, 64)
) -> Iterator[Runtime]:
    (folder / "scene.hu").write_text(SCENE.replace("LIGHTS", lights).replace("CAMERA", camera))
    scene = load_scene(folder / "scene.hu")
    options = RuntimeOptions(size=size, validate=True)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as made:
        made.settle()
        yield made


def light(name: str, place: tuple[float, float, float], fields: str, euler: str = "[0 0 0]") -> str:
    at = " ".join(map(str, place))
    return f"{name}: {{ translation: [{at}]  euler: {euler}  features: [{{ @type: light {fields} }}] }}\n"


def linear(runtime: Runtime) -> np.ndarray:
    runtime.settle()
    runtime.frame()
    encoded = runtime.read_pixels()[..., :3] / 255
    return np.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92)


@pytest.mark.parametrize("camera", ["", "projection: orthographic height: 9"])
def test_many_lights_in_clusters_look_as_they_do_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, camera: str
) -> None:
    rng = np.random.default_rng(7)
    made = [
        light(
            f"l{n}",
            tuple(np.round(rng.uniform((-8, 0.1, -8), (8, 2, 4)), 3)),
            f"kind: {'spot' if n % 3 == 0 else 'point'} intensity: 0.4 range: {rng.uniform(0.5, 3):.3f}"
            f" color: [{rng.random():.2f} {rng.random():.2f} {rng.random():.2f}]",
            f"[{rng.uniform(-90, 0):.1f} {rng.uniform(0, 360):.1f} 0]",
        )
        for n in range(150)
    ]
    with opened(tmp_path, "".join(made), camera) as runtime:
        clustered = runtime.read_pixels()
        assert len(np.unique(clustered.reshape(-1, 4), axis=0)) > 500
        monkeypatch.setattr(Light, "views", lambda self, frame: {})  # no words of clusters in any view
        runtime.tableau["l0"].light.intensity = 0.4001  # so that values are asked for again
        runtime.frame()
        images.assert_same(runtime.read_pixels(), clustered, levels=1)


def test_light_falls_off_with_the_square_of_the_distance_and_ends_at_its_range(tmp_path: Path) -> None:
    fields = "kind: point intensity: 2 range: 3"
    with opened(tmp_path, light("lamp", (4, 1, 0), fields)) as runtime:
        lamp = runtime.tableau["lamp"].light
        lamp.intensity = 0.0
        dark = linear(runtime).sum(axis=2)
        lamp.intensity = 2.0
        shown = linear(runtime).sum(axis=2) - dark
        brightest = np.unravel_index(shown.argmax(), shown.shape)
        assert brightest[1] > 55  # to the right, below the lamp
        lamp.intensity = 4.0
        twice = linear(runtime).sum(axis=2) - dark
        lit = (shown > 0.05) & (shown < 0.8)
        assert np.median(twice[lit] / shown[lit]) == pytest.approx(2.0, abs=0.1)
        assert abs(shown[:, :20]).max() < 1e-6  # beyond its range
        lamp.range = 1.5
        assert (linear(runtime).sum(axis=2) - dark > 0.02).sum() < 0.5 * (shown > 0.02).sum()


def test_lumens_and_temperature_are_what_they_say(tmp_path: Path) -> None:
    with opened(tmp_path, light("lamp", (2, 1.5, 0), "kind: point intensity: 1 range: 5")) as runtime:
        candela = linear(runtime)
        lamp = runtime.tableau["lamp"].light
        lamp.unit, lamp.intensity = "lumen", 4 * np.pi
        assert abs(linear(runtime) - candela).max() < 0.01
        lamp.intensity = 0.0
        dark = linear(runtime)
        lamp.intensity = 4 * np.pi
        lamp.temperature = 2700.0
        warm = (linear(runtime) - dark).sum(axis=(0, 1)) / (candela - dark).sum(axis=(0, 1))
        lamp.temperature = 12000.0
        cold = (linear(runtime) - dark).sum(axis=(0, 1)) / (candela - dark).sum(axis=(0, 1))
        assert warm[0] > 1.3 > warm[1] > 1.3 * warm[2]
        assert cold[2] > 1.2 > cold[1] > cold[0]


@pytest.mark.parametrize(
    ("fields", "euler"),
    [("kind: point", "[0 0 0]"), ("kind: spot outerAngle: 50 innerAngle: 45", "[-35 90 0]")],
)
def test_what_casts_is_dark_behind_and_with_shadows_off_it_is_lit(
    tmp_path: Path, fields: str, euler: str
) -> None:
    lamp = light("lamp", (2.5, 1.6, 0), f"{fields} intensity: 12 range: 12 shadows: on", euler)
    with opened(tmp_path, lamp) as runtime:
        dark = linear(runtime).sum(axis=2)
        plan = runtime.plan
        assert plan is not None
        runtime.tableau["lamp"].light.shadows = "off"
        light_ = linear(runtime).sum(axis=2)
        behind = light_ - dark > 0.05
        assert 30 < behind.sum() < 1500
        columns = np.flatnonzero(behind.any(axis=0))
        assert columns.max() < 52  # to the left of the cube, away from the lamp
        assert runtime.plan is not None
        assert runtime.plan.planned_bytes < plan.planned_bytes
        assert runtime.memory.live_bytes == runtime.plan.planned_bytes
        assert not (dark > light_ + 0.01).any()


def test_cascades_shade_what_one_map_shades(tmp_path: Path) -> None:
    sun = light("sun", (0, 0, 0), "intensity: 2 cascades: 3", "[-50 -60 0]")
    with opened(tmp_path, sun) as runtime:
        three = linear(runtime)
        runtime.tableau["sun"].light.cascades = 1
        one = linear(runtime)
        assert (abs(three - one).max(axis=2) > 0.1).mean() < 0.01
        runtime.tableau["sun"].light.shadows = "off"
        assert (linear(runtime).sum(axis=2) - one.sum(axis=2) > 0.1).sum() > 10


def test_lights_that_have_no_room_for_a_map_shine_without_shadow_and_say_so(tmp_path: Path) -> None:
    lamps = "".join(light(f"l{n}", (n - 2, 2, 0), "kind: point shadows: on intensity: 0.1") for n in range(5))
    with opened(tmp_path, lamps) as runtime:
        texts = [str(problem.message) for problem in runtime.problems]
        assert [text for text in texts if "no room for its shadow" in text] == [
            "light on 'l4': there is no room for its shadow maps: 24 of 24 are taken"
        ]

"""Whatever is saved, whole or broken, at any moment of an update: the last whole version of all is drawn."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.limits import limit
from support.live_scene import PAUSE_S, LiveScene, Picture, is_other, live_scene
from support.sampling import Run
from support.saves import SAVES

from engine.assets import open_library
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

ALBEDO = "assets/builtin/material/brick-albedo.png"
SHADER = "assets/builtin/material/surface.fs.glsl"
INCLUDE = "assets/builtin/shader/lights.glsl"
MESH = "assets/builtin/mesh/cube.hu"
DATABASE = "scenes/cube.assets.hu"
SCENE = "scenes/cube.hu"
FILES = (ALBEDO, SHADER, INCLUDE, MESH, DATABASE, SCENE)
SEQUENCES, MOST_SAVES = 60, 8


class Sources:
    """Whole and broken contents of the files of the cube's scene, all of them different."""

    def __init__(self, root: Path) -> None:
        self._texts = {name: (root / name).read_text() for name in FILES if name != ALBEDO}

    def whole(self, name: str, rng: np.random.Generator) -> bytes:
        """Return contents that change the picture."""
        part = float(rng.integers(1, 100)) / 100
        if name == ALBEDO:
            file = io.BytesIO()
            Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(file, "PNG")
            return file.getvalue()
        return self._changed(
            name,
            {
                SHADER: (
                    "colour = drawn(sum",
                    f"colour = {part} * drawn(sum",
                ),
                INCLUDE: ("return light.color;", f"return {part} * light.color;"),
                MESH: ("[-0.5 -0.5 0.5] [0.5", f"[-0.5 -{part} 0.5] [0.5"),
                DATABASE: ("name: brick\n", f"name: brick  parameters: {{ baseColor: [{part} 1 1 1] }}\n"),
                SCENE: ("translation: [0 0.5 0]", f"translation: [0 {part} 0]"),
            }[name],
        )

    def broken(self, name: str, rng: np.random.Generator) -> bytes:
        """Return contents of which nothing can be made."""
        if name == ALBEDO:
            return self.whole(name, rng)[: int(rng.integers(0, 200))]
        if name == SHADER and rng.random() < 0.5:  # it compiles, and reads what nobody writes
            reads = f"layout(location = {rng.integers(11, 15)}) in vec4 unwritten;\nvoid main() {{"
            text = self._changed(name, ("void main() {", reads)).decode()
            return text.replace("colour = drawn(sum", "colour = unwritten.x * drawn(sum").encode()
        return self._changed(
            name,
            {
                SHADER: ("colour = drawn(", "colour = nonsense("),
                INCLUDE: ("return light.color;", "return light.colour;"),
                MESH: ("[-0.5 -0.5 0.5] [0.5", "[-0.5 -0.5] [0.5"),
                DATABASE: ("mesh: ", "mush: "),
                SCENE: ("objects: {", "objects: {{"),
            }[name],
        )

    def _changed(self, name: str, change: tuple[str, str]) -> bytes:
        text = self._texts[name]
        assert change[0] in text
        return text.replace(*change, 1).encode()


@pytest.fixture
def live(tmp_path: Path, root: Path) -> Iterator[LiveScene]:
    with live_scene(root, tmp_path) as scene:
        yield scene


def opened_afresh(root: Path) -> Picture:
    """The picture of what the files hold."""
    scene = load_scene(root / SCENE)
    with open_library(scene.dbs) as library:
        assert not library.problems
        with Runtime(scene, library, RuntimeOptions(size=(64, 64), validate=False)) as runtime:
            runtime.settle()
            return runtime.read_pixels()


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_after_saves_at_any_moment_the_last_whole_version_of_all_is_drawn(live: LiveScene) -> None:
    sources = Sources(live.root)
    caster = live.runtime.tableau["cube"].features["shadowCaster"]
    for seed in range(Run.seed, Run.seed + SEQUENCES):
        rng = np.random.default_rng(seed)
        broken: set[str] = set()
        for _ in range(int(rng.integers(2, MOST_SAVES + 1))):
            name = str(rng.choice(FILES))
            is_broken = bool(rng.random() < 0.4)
            content = (sources.broken if is_broken else sources.whole)(name, rng)
            SAVES[int(rng.integers(len(SAVES)))](live.file(name), content)
            broken = broken | {name} if is_broken else broken - {name}
            caster.active = bool(rng.random() < 0.5)
            pause = float(rng.choice([0.0, PAUSE_S, 3 * PAUSE_S]))
            for _ in range(int(rng.integers(0, 12))):
                live.step()
                time.sleep(pause)
        for name in sorted(broken):
            SAVES[int(rng.integers(len(SAVES)))](live.file(name), sources.whole(name, rng))
        caster.active = True
        wanted = opened_afresh(live.root)
        end = time.monotonic() + limit(30.0)
        while live.live.problems or live.live.pending or is_other(live.picture(), wanted):
            assert time.monotonic() < end, (seed, live.live.problems)
            live.step()
            time.sleep(PAUSE_S)

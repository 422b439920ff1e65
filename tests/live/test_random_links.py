"""Whatever becomes of the files, links and folders of a scene, it is drawn as where it is opened then."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.gltf_files import QUAD, GltfFile
from support.limits import limit
from support.live_scene import PAUSE_S, LiveScene, copy_cube, fresh_picture, is_other, live_file
from support.sampling import Extent, Run, Sample, amount

from engine.assets import open_library
from engine.humon import Position, Problem
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

Rng = np.random.Generator
Places = set[tuple[str, Position | None]]

SCENE, DATABASE, MORE = "scenes/cube.hu", "scenes/cube.assets.hu", "scenes/more/more.hu"
PICTURE, SHADER = "assets/builtin/material/brick-albedo.png", "assets/builtin/material/surface.fs.glsl"
INCLUDE, MODEL, LIGHT = "assets/builtin/shader/lights.glsl", "assets/models/pane.glb", "assets/models/sky.png"
SOURCES = (PICTURE, SHADER, INCLUDE, MODEL, LIGHT)
FILES = (SCENE, DATABASE, MORE, *SOURCES)
FOLDERS = ("scenes", "scenes/more", "assets/builtin/material", "assets/builtin", "assets/models", "assets")
MOST = 8

PANE = """{ @type: model  name: pane  mesh: pane  material: pane }
        { @type: material  name: pane  shaders: [pane_vs pane_fs]  parameters: { occlusionStrength: 0 } }
        { @type: shader  name: pane_vs  source: "builtin:material/defaultMaterial.vs.glsl"
            stage: vertex_shader_bit }
        { @type: shader  name: pane_fs  source: "builtin:material/defaultMaterial.fs.glsl"
            stage: fragment_shader_bit }
        { @type: mesh  name: pane  source: ../assets/models/pane.glb  part: /meshes/0/primitives/0
            lods: [{ topology: triangle_list  vertices: pane  indices: pane }] }
        { @type: vertices  name: pane  source: pane
            vertexFormat: [[pos r32g32b32_sfloat] [normal r32g32b32_sfloat] [uv_albedo r32g32_sfloat]] }
        { @type: indices  name: pane  source: pane  indexFormat: uint16 }
    """
MORE_TEXT = "assetDb: { name: more  assets: [{ @type: environment  name: light  source: ../SKY }] }\n"
PANE_OBJECT = "pane: { translation: [-1 0 0.5] features: [{ @type: visibleModel asset: [assetDb0 pane] }] }\n"
SKY_OBJECT = "sky: { features: [{ @type: skybox  asset: [more light] }] }\n"


class Project:
    """The files of a scene, some of which are links; `broken` are those of which nothing can be made."""

    def __init__(self, root: Path, source: Path, rng: Rng) -> None:
        copy_cube(source, root)
        self.root = root
        self.rng = rng
        self.broken: set[str] = set()
        self.has_more = True
        self._number = 0
        for folder in ("scenes/more", "assets/models", "assets/elsewhere"):
            (root / folder).mkdir()
        self._texts = {name: (root / name).read_text() for name in (SCENE, DATABASE, SHADER, INCLUDE)}
        place = self._texts[DATABASE].rindex("]")
        self._texts[DATABASE] = self._texts[DATABASE][:place] + PANE + self._texts[DATABASE][place:]
        self._texts[MORE] = MORE_TEXT.replace("SKY", "../" + LIGHT)
        for name in FILES:
            (root / name).write_bytes(self.whole(name))

    def path(self, name: str) -> Path:
        return self.root / name

    def whole(self, name: str) -> bytes:
        """Return contents that change the picture."""
        part = float(self.rng.integers(20, 100)) / 100
        if name in (PICTURE, LIGHT):
            size = (16, 16) if name == PICTURE else (4, 8)
            file = io.BytesIO()
            Image.fromarray(self.rng.integers(0, 256, (*size, 3), np.uint8)).save(file, "PNG")
            return file.getvalue()
        if name == MODEL:
            model = GltfFile()
            pane = model.quad()
            pane["attributes"]["POSITION"] = model.positions(QUAD * np.float32(part))
            model.node(mesh=model.mesh(pane))
            return model.glb()
        text = self._texts[name]
        if name == SCENE:
            more = " more/more.hu" if self.has_more else ""
            text = text.replace("[cube.assets.hu]", f"[cube.assets.hu{more}]")
            objects = PANE_OBJECT + (SKY_OBJECT if self.has_more else "")
            text = text.replace("objects: {", f"objects: {{\n{objects}", 1)
        old, new = {
            SCENE: ("translation: [0 0.5 0]", f"translation: [0 {part} 0]"),
            DATABASE: ("name: brick\n", f"name: brick  parameters: {{ baseColor: [{part} 1 1 1] }}\n"),
            MORE: ("assetDb", f"// {part}\nassetDb"),
            SHADER: ("colour = drawn(sum", f"colour = {part} * drawn(sum"),
            INCLUDE: ("return light.color;", f"return {part} * light.color;"),
        }[name]
        assert old in text
        return text.replace(old, new, 1).encode()

    def bad(self, name: str) -> bytes:
        """Return contents of which nothing can be made."""
        return {
            MODEL: b"glTF",
            PICTURE: b"no picture",
            LIGHT: b"no light",
            SHADER: b"void main( {",
            INCLUDE: b"nonsense;",
        }.get(name, b"assetDb: {{")

    def note(self, name: str, *, is_broken: bool) -> None:
        self.broken = self.broken | {name} if is_broken else self.broken - {name}

    def new(self, name: str, content: bytes) -> Path:
        """Write a file of another name: in its folder or, if it names no others, in another one."""
        self._number += 1
        inside = name not in (PICTURE, LIGHT, MODEL) or self.rng.random() < 0.5
        folder = self.path(name).parent if inside else self.path("assets/elsewhere")
        found = folder / f"file{self._number}{self.path(name).suffix}"
        found.write_bytes(content)
        return found

    def lead(self, name: str, target: Path) -> None:
        """Put a link in place of a file."""
        path = self.path(name)
        link = path.with_name("link.tmp")
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(target, os.path.realpath(path.parent)))
        link.replace(path)

    # What may happen to a file

    def save(self, name: str) -> None:
        is_bad = bool(self.rng.random() < 0.3)
        content = self.bad(name) if is_bad else self.whole(name)
        path = self.path(name)
        if self.rng.random() < 0.5 and path.exists():
            path.write_bytes(content)  # through a link
        else:
            other = path.with_name("file.tmp")
            other.write_bytes(content)
            other.replace(path)
        self.note(name, is_broken=is_bad)

    def become_a_link(self, name: str) -> None:
        path = self.path(name)
        if path.exists():
            self.lead(name, self.new(name, path.read_bytes()))

    def lead_elsewhere(self, name: str) -> None:
        is_bad = bool(self.rng.random() < 0.3)
        self.lead(name, self.new(name, self.bad(name) if is_bad else self.whole(name)))
        self.note(name, is_broken=is_bad)

    def lead_through_another_link(self, name: str) -> None:
        target = self.new(name, self.whole(name))
        link = target.with_name(f"by{target.name}")
        link.symlink_to(target.name)
        self.lead(name, link)
        self.note(name, is_broken=False)

    def lead_to_nothing(self, name: str) -> None:
        self.lead(name, self.path("assets/elsewhere/none"))
        self.note(name, is_broken=True)

    def lead_out(self, name: str) -> None:
        outside = self.root.parent / f"outside{self.path(name).suffix}"
        outside.write_bytes(self.whole(name))
        self.lead(name, outside)
        self.note(name, is_broken=True)

    def delete(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)
        self.note(name, is_broken=True)

    def rename_and_back(self, name: str) -> None:
        path, other = self.path(name), self.path(name).with_name("other.tmp")
        if os.path.lexists(path):
            path.rename(other)
            time.sleep(float(self.rng.choice([0.0, 0.1, 0.3])))
            other.rename(path)

    # What may happen to a folder

    def swap_folder(self, name: str) -> None:
        """A folder becomes a link to it, or a link the folder that it leads to."""
        path = self.path(name)
        if path.is_symlink():
            other = path.resolve()
            path.unlink()
        else:
            self._number += 1
            other = path.with_name(f"{path.name}{self._number}")
            path.rename(other)
            path.symlink_to(other.name)
            return
        other.rename(path)

    def move_folder(self, name: str) -> None:
        path, other = self.path(name), self.path(name).with_name("moved")
        path.rename(other)
        time.sleep(float(self.rng.choice([0.0, 0.1, 0.3])))
        other.rename(path)

    def switch_more(self, name: str) -> None:
        """The scene includes a further database no more, or again."""
        self.has_more = not self.has_more
        self.path(SCENE).unlink(missing_ok=True)
        self.path(SCENE).write_bytes(self.whole(SCENE))
        self.note(SCENE, is_broken=False)

    def change(self) -> str:
        """Let something happen; return what."""
        of_files = (
            *(self.save, self.become_a_link, self.lead_elsewhere, self.lead_through_another_link),
            *(self.lead_to_nothing, self.lead_out, self.delete, self.rename_and_back, self.save),
        )
        of_folders = (self.swap_folder, self.swap_folder, self.move_folder)
        options: list[tuple[Callable[[str], None], tuple[str, ...]]] = [
            *((each, FILES) for each in of_files),
            *((each, FOLDERS) for each in of_folders),
            (self.switch_more, ("",)),
        ]
        happens, names = options[int(self.rng.integers(len(options)))]
        name = names[int(self.rng.integers(len(names)))]
        happens(name)
        return f"{happens.__name__} {name}"

    def mend(self) -> None:
        for name in sorted(self.broken):
            path = self.path(name)
            path.unlink(missing_ok=True)
            path.write_bytes(self.whole(name))
        self.broken.clear()

    @property
    def is_in_sources(self) -> bool:
        """Whether all that is broken is the content of sources, which a scene is opened without."""
        real = [self.path(name).resolve() for name in self.broken]
        return self.broken <= {*SOURCES} and all(path.is_relative_to(self.root) for path in real)


OPEN = 3264262
"""A sequence in which a broken source is not always listed: the proof fails with it until that is mended."""


def places(problems: Iterable[Problem]) -> Places:
    """The places of problems; their files may be named by another way, which leads there as well."""
    found = set()
    for problem in problems:
        place = problem.position
        if place is not None:
            place = replace(place, file=os.path.realpath(place.file))
        found.add((problem.code, place))
    return found


def opened(path: Path) -> Places:
    """The places of the problems of a scene that is opened now."""
    scene = load_scene(path)
    with open_library(scene.dbs) as library:
        return places((*scene.warnings, *scene.asset_problems(library)))


def settle(live: LiveScene, is_over: Callable[[], bool], happened: list[str], wanted: object) -> None:
    end = time.monotonic() + limit(15.0)
    while live.live.pending or not is_over():
        assert time.monotonic() < end, (happened, live.live.problems, wanted)
        live.step()
        time.sleep(PAUSE_S)


def test_whatever_becomes_of_files_and_folders_all_is_drawn_as_where_it_is_opened(
    tmp_path: Path, root: Path, sample: Sample
) -> None:
    seeds = [*range(amount(3, 20))]
    if Run.extent is Extent.WHOLE:
        seeds += [OPEN, *sample.seeds(1, 100)]
    for seed in seeds:
        rng = np.random.default_rng(seed)
        project = Project(tmp_path / f"project{seed}", root, rng)
        scene, happened = project.path(SCENE), [str(seed)]
        with live_file(scene) as live:
            for _ in range(3):
                for _ in range(int(rng.integers(1, MOST + 1))):
                    happened.append(project.change())
                    for _ in range(int(rng.integers(0, 10))):
                        live.step()
                        time.sleep(float(rng.choice([0.0, PAUSE_S])))
                if project.is_in_sources:
                    expected = opened(scene)
                    settle(live, lambda: places(live.live.problems) == expected, happened, expected)  # noqa: B023
                project.mend()
                happened.append("mend")
                assert not opened(scene), happened
                wanted = fresh_picture(scene)
                settle(
                    live,
                    lambda: not live.live.problems and not is_other(live.picture(), wanted),  # noqa: B023
                    happened,
                    "the picture of the scene",
                )
                assert not live.runtime.problems

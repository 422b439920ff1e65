"""Shaders with random damage: imported and fitting, or an input error; never anything else."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from support.one_bad import FRAGMENT_GLSL, VERTEX_GLSL
from support.sampling import Sample
from support.shader_mutations import damaged, mutated

from engine.assets import ShaderFacts, ShaderStage
from engine.assets.files import FileGate
from engine.assets.importers import Imported
from engine.assets.importers.shader import import_glsl, import_spirv
from engine.assets.importers.shader_source import ShaderSource, expand
from engine.humon import InputError
from engine.plan.terms import drawing
from engine.planning.draw.interfaces import PassInterface, Stage, interface_faults
from features.visible_model import FORWARD

GIVEN = PassInterface.of(FORWARD, frozenset())
V, F = ShaderStage.VERTEX, ShaderStage.FRAGMENT
PAIRS = (
    ("material/defaultMaterial.vs.glsl", "material/defaultMaterial.fs.glsl"),
    ("shader/ui.vs.glsl", "shader/ui.fs.glsl"),
    ("material/own.vs.glsl", "material/own.fs.glsl"),
    ("shader/shadowMasked.vs.glsl", "shader/shadowMasked.fs.glsl"),
    ("material/fullMaterial.vs.glsl", "material/fullMaterial.fs.glsl"),
    ("shader/reticle.vs.glsl", "shader/reticle.fs.glsl"),
    ("shader/healthBar.vs.glsl", "shader/healthBar.fs.glsl"),
    ("shader/areaMap.vs.glsl", "shader/areaMap.fs.glsl"),
    ("shader/screen.vs.glsl", "shader/sky.fs.glsl"),
    ("shader/screen.vs.glsl", "shader/toneMap.fs.glsl"),
    ("shader/screen.vs.glsl", "shader/fxaa.fs.glsl"),
)
OWN = 2


def stage(imported: Imported) -> Stage:
    assert isinstance(imported.facts, ShaderFacts)
    return Stage(imported.facts.stage.value, imported.facts.reflection)


class Shaders:
    """The shaders of a folder, each imported where it is asked for first."""

    def __init__(self, assets: Path) -> None:
        self._assets = assets
        self._imported: dict[str, Imported] = {}

    def __getitem__(self, name: str) -> Imported:
        if name not in self._imported:
            source, kind = expand(self._assets / name, FileGate(self._assets)), V if ".vs." in name else F
            self._imported[name] = import_glsl(source, kind, "main")
        return self._imported[name]


@pytest.fixture(scope="module")
def project(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Shaders]:
    """A folder with pairs of shaders, beside a secret, and the imported shaders by name."""
    assets = tmp_path_factory.mktemp("shaders") / "project"
    shutil.copytree(root / "assets/builtin", assets)
    (assets / PAIRS[OWN][0]).write_text(VERTEX_GLSL, encoding="utf-8")
    (assets / PAIRS[OWN][1]).write_text(FRAGMENT_GLSL, encoding="utf-8")
    (assets.parent / "secret.glsl").write_text("const float SECRET = 1.0;\n", encoding="utf-8")
    return assets, Shaders(assets)


@pytest.mark.parametrize("part", range(8))
def test_a_damaged_shader_is_imported_and_fits_or_is_an_input_error(
    project: tuple[Path, Shaders], sample: Sample, part: int
) -> None:
    """2,000 shaders in eight parts, each with seeds of its own."""
    assets, whole = project
    counts: Counter[str] = Counter()
    seeds = sample.seeds(1, 250)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        pair = PAIRS[rng.integers(len(PAIRS))]
        which = int(rng.integers(2))
        path = assets / Path(pair[which]).parent / "main.glsl"
        try:
            if rng.random() < 0.2:
                code = damaged(rng, whole[pair[which]].data)
                found = import_spirv(ShaderSource(files=[path], contents=[code]), (V, F)[which], "main")
            else:
                path.write_bytes(mutated(rng, (assets / pair[which]).read_text(encoding="utf-8")))
                source = expand(path, FileGate(assets))
                assert all(file.is_relative_to(assets) for file in source.files), seed
                found = import_glsl(source, (V, F)[which], "main")
        except InputError as error:
            counts[error.problems[0].code] += 1
            continue
        stages = {
            (drawing.ShaderStage.VERTEX, drawing.ShaderStage.FRAGMENT)[place]: stage(
                found if place == which else whole[pair[place]]
            )
            for place in range(2)
        }
        faults = list(interface_faults(stages, GIVEN))
        counts["does not fit" if faults else "fits"] += 1
    print(part, seeds[0], seeds[-1], dict(counts.most_common()))
    assert set(counts) <= {
        "fits",
        "does not fit",
        "file.outside",
        "file.missing",
        "file.kind",
        "file.name",
    } | {f"shader.{name}" for name in ("compile", "crash", "encoding", "include", "interface", "spirv")}
    assert counts.total() == len(seeds)

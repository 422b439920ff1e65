"""Claims about features that contradict each other: the last to come is switched off, the rest goes on."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from support.random_scenes import profile

from engine.assets import open_library
from engine.feature import Feature, Registry, discover
from engine.feature.mesh_assets import material_requirements, mesh_requirements
from engine.graph import (
    SCENE_COLOR,
    SCENE_DEPTH,
    ColorTarget,
    CubeRead,
    DepthTarget,
    DrawOrder,
    DrawPass,
    FullscreenPass,
    ImageDecl,
    ImageRead,
    PrimitivePass,
)
from engine.humon import Problem
from engine.plan import Blend, Contents, Format, Kind
from engine.plan.model.plan import Plan
from engine.planning.scene import ScenePlanner
from engine.scene import Scene, load_scene
from engine.tableau.schema import asset_field

FILL = "#version 450\nlayout(location = 0) out vec4 colour;\nvoid main() { colour = vec4(1.0); }\n"


class Twin(Feature):
    """Requests what the model of its object needs; some of its kind in another way."""

    type_name = "twin"
    fields = (asset_field("asset", types=("model",)),)

    def requirements(self, asset, library):
        found = [*mesh_requirements(asset, library), *material_requirements(asset, library)]
        return [self.changed(one) for one in found]

    def changed(self, requirement):
        return requirement


class Aside(Twin):
    """Wants textures of half the size. Its name is before that of the built-in feature it contradicts."""

    type_name = "aside"

    def changed(self, requirement):
        if requirement.kind is Kind.IMAGE:
            half = replace(requirement.shape, width=requirement.shape.width // 2)
            return replace(requirement, shape=half, contents=Contents.UNDEFINED)
        return requirement


class Versions(Twin):
    """Wants another version of the vertices."""

    type_name = "versions"

    def changed(self, requirement):
        return replace(requirement, content=7) if requirement.alignment > 4 else requirement


class Glow(Feature):
    """Draws into an image of its own."""

    type_name = "glow"
    image: ClassVar = ImageDecl("glow", Format.R8G8B8A8_UNORM)
    shaders: ClassVar = {"fill.fs": FILL}

    def passes(self, rows):
        own = self.type_name
        fill = FullscreenPass(f"{own}Fill", color=(ColorTarget(self.image),), shader=f"{own}/fill.fs")
        return fill, FullscreenPass(
            own, color=(ColorTarget(SCENE_COLOR),), reads=(ImageRead(self.image, "glow"),), shader=fill.shader
        )


class Blaze(Glow):
    """Declares the same image in another format, and comes after Glow, though its name is before."""

    type_name = "blaze"
    image: ClassVar = replace(Glow.image, format=Format.R16G16B16A16_SFLOAT)


class Namesake(Glow):
    """Has a pass of the name of a built-in one."""

    type_name = "aName"

    def passes(self, rows):
        return (FullscreenPass("forward", color=(ColorTarget(SCENE_COLOR),), shader="aName/fill.fs"),)


class Ring(Glow):
    """Draws into an image with the name of a ring of the forward pass."""

    type_name = "aRing"
    image: ClassVar = replace(Glow.image, name="forward.draws")


class Sky(Glow):
    """Samples an environment with the name of another feature's image."""

    type_name = "aSky"

    def passes(self, rows):
        shown = FullscreenPass(
            "aSky",
            color=(ColorTarget(SCENE_COLOR),),
            cubes=(CubeRead("glow", "glow"),),
            shader="aSky/fill.fs",
        )
        return (shown,)


class Smoke(Feature):
    """Is drawn among what blends, of which cube.hu has nothing."""

    type_name = "smoke"
    declared: ClassVar[dict[str, Any]] = {}
    shaders: ClassVar = {
        "smoke.vs": "#version 450\nvoid main() { gl_Position = vec4(0.0, 0.0, 0.5, 1.0); }\n",
        "smoke.fs": FILL,
    }

    def passes(self, rows):
        own = {
            "color": (ColorTarget(SCENE_COLOR, Blend.PREMULTIPLIED),),
            "depth": DepthTarget(SCENE_DEPTH, write=False),
            "shaders": ("smoke/smoke.vs", "smoke/smoke.fs"),
            "among": "blended",
        }
        return (PrimitivePass("smoke", **{**own, **self.declared}),)


class Panes(Twin):
    """Has a pass of its own that sorts, and is in no frame without rows."""

    type_name = "panes"

    def passes(self, rows):
        shown = DrawPass(
            "panes",
            draws="panes",
            color=(ColorTarget(SCENE_COLOR, Blend.PREMULTIPLIED),),
            depth=DepthTarget(SCENE_DEPTH, write=False),
            order=DrawOrder.BACK_TO_FRONT,
            shaders=("smoke/smoke.vs", "smoke/smoke.fs"),
        )
        return (shown,)


class LostPanes(Panes):
    """Contradicts built-in passes by itself, whatever is drawn among it."""

    type_name = "panes"

    def passes(self, rows):
        return (replace(super().passes(rows)[0], after=("toneMap",), before=("forward",)),)


class Bloom(Glow):
    """Reads the light of the scene, and adds to it."""

    type_name = "bloom"

    def passes(self, rows):
        bright = FullscreenPass(
            "bloomBright",
            color=(ColorTarget(self.image),),
            reads=(ImageRead(SCENE_COLOR, "scene"),),
            after=("blended",),
            shader="bloom/fill.fs",
        )
        return bright, FullscreenPass(
            "bloom",
            color=(ColorTarget(SCENE_COLOR, Blend.ADD),),
            reads=(ImageRead(self.image, "glow"),),
            before=("toneMap",),
            shader="bloom/fill.fs",
        )


def smoke(**declared: Any) -> Smoke:
    """Return the feature with these fields of its pass."""
    made = Smoke()
    made.declared = declared  # type: ignore[misc]
    return made


def planned(root: Path, *features: Feature) -> tuple[Scene, Plan, list[Problem]]:
    """The plan of cube.hu with an object for each of these features, and what is wrong."""
    lines = [f"x{n}: {{ features: [{{ @type: {one.type_name}  ASSET }}] }}" for n, one in enumerate(features)]
    text = (root / "scenes" / "cube.hu").read_text().rstrip()
    assert text.endswith("}")
    at = text.index("objects: {") + len("objects: {")
    for n, one in enumerate(features):
        asset = "asset: [assetDb0 cube]" if one.schema.asset_fields else ""
        lines[n] = lines[n].replace("ASSET", asset)
    more = "\n" + "\n".join(lines)
    path = root / "scenes" / f"contradictions-{os.getpid()}.hu"
    path.write_text(text[:at] + more + text[at:])
    try:
        registry: Registry = discover()
        for one in features:
            registry.register(one)
        scene = load_scene(path, registry)
    finally:
        path.unlink()
    with open_library(scene.dbs) as library:
        planner = ScenePlanner(scene.tableau, scene.registry, library, profile("lavapipe"), (64, 64))
        plan = planner.plan(planner.needs())
        found = [one for one in scene.tableau.warnings if one.code == "feature.failed"]
        return scene, plan, found


def active(scene: Scene) -> set[str]:
    """The types of features of which a row is active."""
    return {name for name, table in scene.tableau.tables.items() if len(table.rows_active())}


@pytest.mark.parametrize(
    ("features", "wrong", "message"),
    [
        ((Aside(),), "aside", "in another way than features before it: two shapes"),
        ((Twin(), Aside()), "aside", "two shapes"),
        ((Versions(), Twin()), "versions", "two versions of its content"),
        ((Glow(), Blaze()), "blaze", "glow is declared twice with different values"),
        ((Blaze(), Glow()), "glow", "glow is declared twice with different values"),
        ((Namesake(),), "aName", "there is another pass forward"),
        ((Ring(),), "aRing", "two kinds"),
        ((Glow(), Sky()), "aSky", "two shapes"),
        (
            (smoke(depth=DepthTarget(SCENE_DEPTH)),),
            "smoke",
            "has other targets or views, or one writes depth",
        ),
        ((smoke(among="forward"),), "smoke", "among forward, which does not sort what it draws"),
        ((smoke(after=("toneMap",)),), "smoke", "toneMap -> smoke (among blended) -> toneMap"),
        ((smoke(before=("forward",)),), "smoke", "forward -> smoke (among blended) -> forward"),
        (
            (Bloom(), smoke(after=("bloom",))),
            "smoke",
            "bloomBright -> bloom -> smoke (among blended) -> bloomBright",
        ),
        (
            (smoke(after=("bloom",)), Bloom()),
            "smoke",
            "bloomBright -> bloom -> smoke (among blended) -> bloomBright",
        ),
        ((smoke(among="panes", views=("other",)), Panes()), "smoke", "among panes, which has other targets"),
        ((smoke(among="panes"), LostPanes()), "panes", "toneMap -> panes -> forward -> toneMap"),
    ],
)
def test_a_contradiction_is_charged_to_the_feature_that_came_last_at_its_line(
    root: Path, tmp_path: Path, monkeypatch, features, wrong: str, message: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    scene, plan, (problem,) = planned(root, *features)
    number = [one.type_name for one in features].index(wrong)
    assert problem.message.startswith(f"{wrong} on 'x{number}' is switched off: ")
    assert message in problem.message
    assert problem.position is not None
    line = next(n for n, text in enumerate(scene_lines(root, features), 1) if text.startswith(f"x{number}:"))
    assert problem.position.line == line
    usual = {"camera", "light", "shadowCaster", "visibleModel"}
    assert active(scene) == usual | {one.type_name for one in features} - {wrong}
    assert {row.pass_name for row in plan.pipelines} >= {"forward", "shadow", "toneMap"}


def scene_lines(root: Path, features) -> list[str]:
    """The lines of the scene with these features."""
    text = (root / "scenes" / "cube.hu").read_text()
    at = text.index("objects: {") + len("objects: {")
    more = "".join(f"\nx{n}:" for n in range(len(features)))
    return (text[:at] + more + text[at:]).splitlines()


def test_features_that_agree_contradict_nothing(root: Path) -> None:
    scene, _, problems = planned(root, Twin())
    assert problems == []
    assert "twin" in active(scene)


def test_what_is_drawn_among_others_is_checked_where_their_feature_is_off(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "scene.hu"
    for features, wrong in (
        ((smoke(depth=DepthTarget(SCENE_DEPTH)),), True),
        ((smoke(among="panes", views=("other",)), Panes()), True),
        ((smoke(among="panes"), Panes()), False),
        ((smoke(after=("toneMap",)),), True),
        ((smoke(after=("sky",)),), False),
        ((smoke(among="ofAnotherPackage", after=("toneMap",)),), False),
    ):
        path.write_text(
            "version: 1\ntableau: { name: t  objects: { x: { features: [{ @type: smoke }] } } }\n"
        )
        registry = discover()
        for one in features:
            registry.register(one)
        scene = load_scene(path, registry)
        with open_library(scene.dbs) as library:
            planner = ScenePlanner(scene.tableau, scene.registry, library, profile("lavapipe"), (64, 64))
            planner.needs()
        failed = [one.message for one in scene.tableau.warnings if one.code == "feature.failed"]
        assert len(failed) == wrong, (features[0].declared, failed)
        assert ("smoke" in active(scene)) is not wrong

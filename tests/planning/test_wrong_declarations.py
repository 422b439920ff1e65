"""Claims about plug-ins that declare something impossible: each is switched off with its cause, alone."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.declarations import GREYS, NEEDED, PASSES, Declarer, Project, out_of_range, wrong_types

from engine.assets import AssetRef
from engine.feature import Drawable, Fault, View
from engine.feature.frame import Lens
from engine.feature.mesh_assets import material_requirements, mesh_drawables, mesh_requirements
from engine.feature.requirement_builders import (
    environment_requirement,
    indices_requirement,
    texture_requirement,
    vertices_requirement,
)
from engine.graph import DeclarationError, Pass, check
from engine.graph.passes import STORED_FORMATS
from engine.plan import Format, ImageShape
from engine.plan.terms.vocabulary import ImageUsage
from engine.planning.draw.interfaces import TEXELS
from engine.planning.problems.declared import check_view


def test_each_value_of_a_wrong_type_is_named_with_its_path_and_a_hint():
    count = 0
    for path, declared, value in wrong_types():
        with pytest.raises(DeclarationError) as raised:
            check(declared, Pass, "the pass", "a hint")
        where, problem = str(raised.value).split(" of the pass ", 1)
        assert path.startswith(where.split("[", 1)[0]), (path, value)
        assert where in (path, *_within(path)), (path, where, value)
        assert problem
        assert raised.value.help, (path, value)
        count += 1
    assert count > 1000


def _within(path: str) -> tuple[str, str]:
    """The paths of what is in a wrong tuple, and of the first one in it."""
    return f"{path}[0]", f"{path}[0][0]"


def test_what_the_declarer_declares_is_right(project: Project):
    assert [p.render() for p in project.planned(PASSES)] == []


def test_a_plug_in_with_a_wrong_value_is_switched_off_and_the_rest_is_planned(project: Project, sample: Any):
    cases = [*out_of_range(), *wrong_types()]
    for number in sample.of(range(len(cases)), 16):
        path, declared, value = cases[number]
        passes = tuple(declared if type(declared) is type(one) else one for one in PASSES)
        problems = project.planned(passes)
        assert len(problems) == 1, (path, value, problems)
        problem = problems[0]
        assert problem.code == "feature.failed", (path, value)
        assert problem.message.startswith("declarer on 'thing' is switched off: "), (path, value)
        assert "its code raised" not in problem.message, (path, value, problem.render())
        assert problem.position is not None
        assert problem.position.line == 4
        assert problem.help.partition(";")[0], (path, value)


@pytest.mark.parametrize("method", ["buffer_rows", "samples", "views", "cubes", "faults", "requirements"])
def test_a_plug_in_that_exits_is_switched_off_and_the_rest_is_planned(
    project: Project, monkeypatch: pytest.MonkeyPatch, method: str
):
    def leave(*_: object) -> None:
        sys.exit(3)

    with monkeypatch.context() as patched:
        patched.setattr(Declarer, method, leave)
        problems = project.planned()
    assert [p.code for p in problems] == ["feature.failed"]
    assert "its code raised SystemExit: 3" in problems[0].message


DRAWN = (replace(PASSES[3], draws="declarer", shaders=("declarer/point.vs", "declarer/colour.fs")),)
USED = replace(PASSES[2].buffers[0], binding="written")
FRAME = replace(PASSES[0].reads[0], binding="frame")
RETURNED: tuple[tuple[str, Any, str], ...] = (
    ("passes", None, "what `passes` returns is None, not a sequence"),
    ("passes", PASSES[0], "what `passes` returns is FullscreenPas"),
    ("passes", "text", "what `passes` returns is 'text', not a sequence"),
    ("passes", (1,), "what `passes` returns is 1, not a Pass"),
    (
        "passes",
        (replace(PASSES[3], draws="visibelModel"),),
        "draws of the pass models is 'visibelModel'",
    ),
    (
        "passes",
        (replace(PASSES[0], reads=PASSES[0].reads * 2),),
        "full has the binding 'depth' twice",
    ),
    ("passes", (replace(PASSES[2], buffers=(USED,)),), "the pass compute has the binding 'written' twice"),
    ("passes", (replace(PASSES[0], reads=(FRAME,)),), "has the binding 'frame', which every pass has"),
    ("passes", (replace(PASSES[3], draws="camera"),), "is 'camera', a feature that names no asset to draw"),
    *(
        (
            "passes",
            (replace(PASSES[1], shaders=names),),
            f"the pass points has the shaders {names}: two names",
        )
        for names in ((), ("declarer/point.vs",), PASSES[1].shaders * 2, ("declarer/point.vs", ""))
    ),
    ("samples", "two", "what `samples` returns is 'two', not a whole number or None"),
    ("samples", 0, "it wants 0 samples"),
    ("views", None, "what `views` returns is None, not a mapping"),
    ("frame_values", [], "what `frame_values` returns is [], not a mapping"),
    ("frame_values", {"exposure": "x"}, "'exposure', which `frame_values` returns, is 'x', not numbers"),
    ("frame_values", {"exposure": None}, "'exposure', which `frame_values` returns, is None, not numbers"),
    ("frame_values", {"exposure": [1.0, 2.0]}, "'exposure', which `frame_values` returns, has 2 numbers"),
    (
        "frame_values",
        {"exposure": [[1], [1, 2]]},
        "which `frame_values` returns, is [[1], [1, 2]], not",
    ),
    ("frame_values", {"viewProjection": np.eye(4)}, "returns 'viewProjection', which camera gives"),
    ("frame_values", {"time": 1.0}, "`frame_values` returns 'time', which the frame itself gives"),
    ("frame_values", {3: 1.0}, "what `frame_values` returns has the key 3, not text"),
    ("views", {"a": 3}, "what `views(...)['a']` returns is 3, not a mapping"),
    ("views", {"": {"exposure": "x"}}, "'exposure', which `views` returns for the view '', is 'x', not"),
    ("buffer_rows", None, "what `buffer_rows` returns is None, not a mapping"),
    ("buffer_rows", {"declared": -1}, "the buffer declared has -1 rows"),
    ("buffer_rows", {"declared": "x"}, "the buffer declared has 'x' rows"),
    (
        "buffer_rows",
        {"lights": 1},
        "what `buffer_rows` returns has the buffer 'lights', which is none of its",
    ),
    ("cubes", None, "what `cubes` returns is None, not a mapping"),
    ("cubes", {"around": "sky"}, "the cube around is 'sky', not an AssetRef"),
    ("cubes", {"around": AssetRef(0, 0)}, "the cube around is model 'placeholder', which is no environment"),
    ("faults", None, "what `faults` returns is None, not a sequence"),
    ("faults", [3], "what `faults` returns is 3, not a Fault"),
    (
        "faults",
        [Fault(9999, "a.b", "x", "y")],
        "row of what `faults` returns is 9999, which is no row of",
    ),
    (
        "faults",
        [Fault(-1, "a.b", "x", "y")],
        "row of what `faults` returns is -1, which is no row of",
    ),
    ("faults", [Fault(0, "a.b", "x", 3)], "help of what `faults` returns is 3, not text"),  # type: ignore[arg-type]
    ("requirements", None, "what `requirements` returns is None, not a sequence"),
    ("requirements", [3], "what `requirements` yields is 3, not a Requirement"),
    ("requirements", [replace(NEEDED, size=1.5)], "size of what `requirements` yields is 1.5, not a whole"),
    ("requirements", [replace(NEEDED, size=0)], "it has a requirement with 0 bytes"),
    ("requirements", [replace(NEEDED, size=1 << 70)], "which is no 64-bit number"),
    ("requirements", [replace(NEEDED, alignment=1.5)], "alignment of what `requirements` yields is 1.5"),
    ("requirements", [replace(NEEDED, uses=("read",))], "uses[0] of what `requirements` yields is 'read'"),
    ("requirements", [replace(NEEDED, usage=ImageUsage.SAMPLED)], "which is not for buffers"),
    ("requirements", [replace(NEEDED, dedicated="yes")], "dedicated of what `requirements` yields is 'yes'"),
    ("requirements", [replace(GREYS, shape=None)], "it has a requirement with an image without a shape"),
    ("requirements", [replace(GREYS, shape=ImageShape(Format.R8_UNORM, 0, 4))], "with 0 x 4 texels"),
    ("requirements", [replace(GREYS, shape=ImageShape("grey", 4, 4))], "shape.format of what"),  # type: ignore[arg-type]
    ("drawables", None, "what `drawables` returns is None, not a sequence"),
    ("drawables", [3], "what `drawables` yields is 3, not a Drawable"),
    ("drawables", [Drawable("a", "b", "c")], "vertices of what `drawables` yields is 'a', not an"),  # type: ignore[arg-type]
)


@pytest.mark.parametrize(("method", "value", "message"), RETURNED, ids=lambda value: str(value)[:24])
def test_a_method_of_a_plug_in_that_returns_something_impossible_is_named(
    project: Project, method: str, value: Any, message: str
):
    passes = DRAWN if method == "drawables" else PASSES
    problems = project.planned(**{"passes": passes, method: value})
    assert {problem.code for problem in problems} == {"feature.failed"}
    assert message in problems[0].message
    assert problems[0].help.partition(";")[0]


VALUES = "'value' of the buffer 'declared', which `buffer_values` returns,"
ROWS: tuple[tuple[Any, str], ...] = (
    ({"lights": {}}, "what `buffer_values` returns has the buffer 'lights', which is none of its own"),
    ({"declared": 3}, "what `buffer_values(...)['declared']` returns is 3, not a mapping"),
    ({"declared": {"value": 3}}, f"{VALUES} is 3, not one value for each row"),
    ({"declared": {"value": ["x"]}}, f"{VALUES} is ['x'], not numbers"),
    ({"declared": {"value": np.zeros((3, 4))}}, f"{VALUES} has 3 rows; there is room for 1"),
    (
        {"declared": {"value": np.zeros((1, 9, 4))}},
        f"{VALUES} does not fit the shader: value holds 4 x 4",
    ),
    (
        {"declared": {"other": [0, 0]}},
        "'other' of the buffer 'declared', which `buffer_values` returns, has",
    ),
    (
        {"declared": {"value": [0], "other": []}},
        "different numbers of rows in `buffer_values`: value: 1,",
    ),
)


@pytest.mark.parametrize(("values", "message"), ROWS, ids=lambda value: str(value)[:24])
def test_rows_of_a_buffer_that_do_not_fit_are_named(project: Project, values: Any, message: str):
    passes = (replace(PASSES[0], reads=(), cubes=(), buffers=(), pushes=(), shader="declarer/rows.fs"),)
    assert project.planned(passes, buffer_values={"declared": {"value": np.zeros((1, 4, 4))}}) == []
    (problem,) = project.planned(passes, buffer_values=values)
    assert problem.code == "feature.failed"
    assert message in problem.message
    assert not problem.help.startswith("raised")


def test_functions_for_requirements_name_an_asset_of_a_type_that_they_are_not_for(project: Project):
    library = project.library
    kinds: dict[Any, tuple[str, ...]] = {
        mesh_requirements: ("mesh", "model"),
        mesh_drawables: ("mesh", "model"),
        material_requirements: ("model",),
        vertices_requirement: ("vertices",),
        indices_requirement: ("indices",),
        texture_requirement: ("texture2d",),
        environment_requirement: ("environment",),
    }
    seen = set()
    for db in library.dbs.values():
        for asset in db.assets:
            seen.add(str(asset.type))
            for function, types in kinds.items():
                if str(asset.type) in types:
                    continue
                with pytest.raises(DeclarationError, match=f"calls `{function.__name__}` for {asset.type}"):
                    list(function(asset.ref, library))
    assert {"mesh", "model", "texture2d", "environment", "vertices", "material"} <= seen


def test_every_format_that_is_stored_has_a_name_in_shaders():
    assert TEXELS.keys() == set(STORED_FORMATS)


VIEW = View(*(np.zeros(3), np.eye(4, dtype=np.float32), np.zeros(3), np.zeros(3)), lens=Lens(0.0, 1.0, 1.0))


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (3, "what `view` returns is 3, not a View"),
        (replace(VIEW, origin=None), "origin of its view is None, not an array"),
        (replace(VIEW, eye=np.zeros(4)), "eye of its view is array"),
        (replace(VIEW, forward=np.zeros(3).astype(str)), "forward of its view is array"),
        (replace(VIEW, view_projection=np.eye(3)), "view_projection of its view is array"),
        (replace(VIEW, lens=None), "lens of its view is None, not a Lens"),
        (replace(VIEW, lens=Lens("near", 1.0, 1.0)), "begin of lens of its view is 'near', not a number"),
        (replace(VIEW, half_size=(1.0,)), "half_size of its view is (1.0,), which are not 3 values"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_view_that_is_none_is_named(view: Any, message: str):
    check_view(VIEW)
    with pytest.raises(DeclarationError, match=re.escape(message)):
        check_view(view)

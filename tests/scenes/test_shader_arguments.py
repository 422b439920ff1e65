"""Claims about draws whose numbers shaders write: as many as they say, never more than the pass allows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.feature import Feature, discover
from engine.graph import (
    SCENE_COLOR,
    BufferDecl,
    BufferUse,
    ColorTarget,
    ComputePass,
    DeclarationError,
    DrawArguments,
    Pass,
    PrimitivePass,
    check,
)
from engine.plan.terms.drawing import ShaderStage
from engine.plan.terms.vocabulary import BufferUsage
from engine.plan.text.why import why_text
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from engine.tableau.schema import choice_field, float_field

pytestmark = pytest.mark.gpu

BARS = 16
KEPT = BufferDecl("kept", 4 * BARS)
COMMANDS = BufferDecl("commands", 8 + 20 * BARS)  # what comes first is not for the draw
COUNT = BufferDecl("count", 4)
CORNERS = BufferDecl("corners", 4 * 6 * BARS)

SIEVE = """#version 450
layout(local_size_x = 16) in;
layout(set = 0, binding = 0) uniform Frame { float keptFrom; uint wildWord; uint wildValue; uint way; } frame;
layout(set = 0, binding = 1, std430) buffer Kept { uint row[]; } kept;
layout(set = 0, binding = 2, std430) buffer Commands { uint before[2]; uint word[]; } commands;
layout(set = 0, binding = 3, std430) buffer Count { uint number; } count;
layout(set = 0, binding = 4, std430) buffer Corners { uint vertex[]; } corners;
shared uint found;
void main() {
    uint i = gl_LocalInvocationIndex;
    if (i == 0u) found = 0u;
    barrier();
    uint at = 0u;
    bool keeps = i >= uint(frame.keptFrom);
    if (keeps) {
        at = atomicAdd(found, 1u);
        kept.row[at] = i;
        for (uint c = 0u; c < 6u; ++c) corners.vertex[6u * at + c] = 6u * i + c;
        if (frame.way == 2u) {
            commands.word[4u * at] = 6u;
            commands.word[4u * at + 1u] = 1u;
            commands.word[4u * at + 2u] = 0u;
            commands.word[4u * at + 3u] = i;
        }
    }
    barrier();
    if (i > 0u) return;
    count.number = found;
    if (frame.way < 2u) {
        commands.word[0] = frame.way == 0u ? 6u : 6u * found;
        commands.word[1] = frame.way == 0u ? found : 1u;
        commands.word[2] = commands.word[3] = commands.word[4] = 0u;
    }
    if (frame.wildWord < 100u) commands.word[frame.wildWord] = frame.wildValue;
    if (frame.wildWord == 100u) count.number = frame.wildValue;
    if (frame.wildWord == 101u) corners.vertex[0] = frame.wildValue;
}
"""
VERTEX = """#version 450
layout(set = 0, binding = 0) uniform Frame { uint way; } frame;
layout(set = 0, binding = 1, std430) readonly buffer Kept { uint row[]; } kept;
void main() {
    uint corner = uint(gl_VertexIndex) % 6u, bar = frame.way == 1u ? uint(gl_VertexIndex) / 6u
        : frame.way == 2u ? uint(gl_InstanceIndex) : kept.row[gl_InstanceIndex];
    vec2 at = vec2(corner == 1u || corner > 3u, corner == 2u || corner == 3u || corner == 5u);
    gl_Position = vec4((float(bar) + at.x) / 8.0 - 1.0, 2.0 * at.y - 1.0, 0.5, 1.0);
}
"""
FRAGMENT = """#version 450
layout(location = 0) out vec4 colour;
void main() { colour = vec4(0.0, 1.0, 0.0, 1.0); }
"""
SCENE = """version: 1
tableau: { name: t  objects: {
    camera: { features: [{ @type: camera  toneMapping: none  antialiasing: none }] }
    thing: { features: [{ @type: sieve  way: WAY }] }
} }
"""
WAYS = ("plain", "indexed", "counted")


class Sieve(Feature):
    """Bars of which a compute shader keeps those from a number on, and says how many there are to draw."""

    type_name = "sieve"
    fields = (
        choice_field("way", "plain", choices=WAYS),
        float_field("least", 0.0, help="the first bar that is kept"),
        float_field("word", 1000.0, help="what is written wildly: a word of commands, the count, an index"),
        float_field("value", 0.0, help="what is written there"),
    )
    shaders: ClassVar = {"sieve.cs": SIEVE, "bar.vs": VERTEX, "bar.fs": FRAGMENT}

    def passes(self, rows):
        way = int(rows["way"][0])
        buffers = ((KEPT, "kept"), (COMMANDS, "commands"), (COUNT, "count"), (CORNERS, "corners"))
        written = tuple(BufferUse(b, name, writes=True, stages=ShaderStage.COMPUTE) for b, name in buffers)
        most, count = (BARS, COUNT) if way == 2 else (1, None)
        return (
            PrimitivePass(
                "bars",
                color=(ColorTarget(SCENE_COLOR),),
                buffers=(BufferUse(KEPT, "kept", stages=ShaderStage.VERTEX),),
                shaders=("sieve/bar.vs", "sieve/bar.fs"),
                vertices=6 * BARS if way == 1 else 6,
                instances=BARS,
                arguments=DrawArguments(COMMANDS, 8, most, count),
                indices=CORNERS if way == 1 else None,
            ),
            ComputePass("sieve", buffers=written, shader="sieve/sieve.cs", threads=(BARS, 1, 1)),
        )

    def frame_values(self, frame):
        rows = frame.enabled("sieve")
        if not len(rows):
            return {"wildWord": 1000}
        names = {"keptFrom": "least", "wildWord": "word", "wildValue": "value", "way": "way"}
        return {member: rows[field][0] for member, field in names.items()}


@contextmanager
def opened(folder: Path, way: str, feature: Feature | None = None) -> Iterator[Runtime]:
    """A scene with a sieve, with validation."""
    (folder / "scene.hu").write_text(SCENE.replace("WAY", way))
    registry = discover()
    registry.register(feature or Sieve())
    scene = load_scene(folder / "scene.hu", registry)
    options = RuntimeOptions(size=(64, 64), validate=True, trials=False)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as made:
        made.settle()
        yield made


def bars(runtime: Runtime) -> list[int]:
    """The bars that the next frame shows."""
    runtime.frame()
    row = runtime.read_pixels()[32, 2::4, 1]
    return np.flatnonzero(row > 128).tolist()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("way", WAYS)
def test_as_much_is_drawn_as_a_shader_says_without_recording_anything_again(tmp_path, way) -> None:
    with opened(tmp_path, way) as runtime:
        sieve = runtime.tableau["thing"].sieve
        assert bars(runtime) == list(range(BARS))
        runtime.frame()
        recordings = runtime.renderer._commands.recordings
        for least in (5, 15, 16, 0):
            sieve.least = least
            assert bars(runtime) == list(range(least, BARS))
            assert runtime.renderer._commands.recordings == recordings
        assert runtime.renderer.draws.calls == 2  # and the picture


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("without", [("_counts", False), ("_limit", 1)])
def test_a_device_without_counts_or_with_one_command_in_a_call_draws_the_same(tmp_path, way, without) -> None:
    with opened(tmp_path, way) as runtime:
        runtime.tableau["thing"].sieve.least = 5
        setattr(runtime.renderer._recorder, *without)
        runtime.renderer._stale = [True, True]
        assert bars(runtime) == list(range(5, BARS))


WILD = 4_294_967_040.0  # the largest 32-bit number that is a float


@pytest.mark.parametrize(
    ("way", "word", "shown"),
    [
        ("plain", 0, 6),  # vertices beyond the sixth
        ("plain", 1, None),  # as many instances as the pass allows: those that are not kept are old ones
        ("plain", 2, 16),  # no vertex is left
        ("plain", 3, 16),  # no instance is left
        ("indexed", 0, None),
        ("indexed", 1, 6),
        ("indexed", 2, 16),
        ("indexed", 3, 16),  # added to each index: the bars are far away
        ("indexed", 4, 16),
        ("counted", 100, None),
        ("indexed", 101, None),
    ],
)
def test_wild_numbers_draw_nothing_outside_of_the_limits(tmp_path, way, word, shown) -> None:
    with opened(tmp_path, way) as runtime:
        sieve = runtime.tableau["thing"].sieve
        sieve.least = 6
        assert bars(runtime) == list(range(6, BARS))
        sieve.word, sieve.value = word, WILD
        found = bars(runtime)
        if shown is not None:
            assert found == list(range(shown, BARS))
        assert set(range(7, BARS)) <= set(found) or shown == 16
        sieve.word = 1000
        assert bars(runtime)[-10:] == list(range(6, BARS))


class Short(Sieve):
    """A sieve whose pass has five instances, and six vertices where a command draws one bar."""

    type_name = "sieve"

    def passes(self, rows):
        drawn, *others = super().passes(rows)
        return (replace(drawn, instances=5), *others)


def test_the_limits_of_a_pass_are_where_instances_end_whatever_the_first_one_is(tmp_path: Path) -> None:
    with opened(tmp_path, "counted", Short()) as runtime:
        assert bars(runtime) == list(range(5)), "each bar has a command, with one instance from its own on"
        runtime.tableau["thing"].sieve.least = 3
        assert bars(runtime) == [3, 4]
    with opened(tmp_path, "plain", Short()) as runtime:
        assert bars(runtime) == list(range(5)), "of 16 instances from 0 on"


def test_arguments_are_planned_explained_and_gone_with_their_feature(tmp_path: Path) -> None:
    with opened(tmp_path, "indexed") as runtime:
        plan = runtime.plan
        assert plan is not None
        assert runtime.memory.live_bytes == plan.planned_bytes
        assert {"sieve", "bars.limit", "bars"} <= {row.pass_name for row in plan.pipelines}
        transient = runtime.needs.requirements.keys.transient
        usage = {}
        for name in ("bars.arguments", "corners"):
            place = plan.memory.subresource_table.row(transient(name))
            usage[name] = BufferUsage(int(plan.memory.resource_table.row(int(place["resource"]))["usage"]))
        assert BufferUsage.INDIRECT_BUFFER in usage["bars.arguments"]
        assert BufferUsage.INDEX_BUFFER in usage["corners"]
        assert "bars.arguments" in str(plan)
        assert "sieve" in why_text(plan, "bars.arguments")
        runtime.tableau["thing"].sieve.active = False
        runtime.settle()
        assert runtime.plan is not None
        assert {row.pass_name for row in runtime.plan.pipelines} == {"toneMap"}
        assert "bars.arguments" not in str(runtime.plan)
        assert runtime.memory.live_bytes == runtime.plan.planned_bytes < plan.planned_bytes
        runtime.tableau["thing"].sieve.active = True
        runtime.settle()
        assert bars(runtime) == list(range(BARS))


class Silent(Sieve):
    """A sieve that nobody shakes: what it draws with is written by no pass."""

    type_name = "sieve"

    def passes(self, rows):
        return super().passes(rows)[:1]


@pytest.mark.parametrize("way", WAYS)
def test_arguments_that_nobody_writes_draw_nothing_and_are_reported(tmp_path, way) -> None:
    with opened(tmp_path, way, Silent()) as runtime:
        assert bars(runtime) == []
        said = [problem.message for problem in runtime.problems if problem.code == "pass.unwritten"]
        assert "the pass bars.limit of sieve reads commands, which no pass of the frame writes" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (DrawArguments(COMMANDS, most=0), "bars has 0 commands: from 1 to 65535 are possible"),
        (DrawArguments(COMMANDS, most=100), "bars has commands that lie outside of commands"),
        (DrawArguments(COMMANDS, offset=-4), "bars has commands that lie outside of commands"),
        (DrawArguments(COMMANDS, offset=2), "bars has commands at byte 2, which is no multiple of 4"),
    ],
)
def test_arguments_that_do_not_fit_their_buffer_are_an_error_of_the_feature(arguments, message) -> None:
    with pytest.raises(DeclarationError, match=message):
        check(PrimitivePass("bars", arguments=arguments), Pass, "bars", "")
    with pytest.raises(DeclarationError, match="bars has indices in odd, of 6 bytes"):
        check(PrimitivePass("bars", indices=BufferDecl("odd", 6)), Pass, "bars", "")

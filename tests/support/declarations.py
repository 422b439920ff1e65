"""A feature that declares one of everything, and the same with one value in it of a wrong type or range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, ClassVar

from engine.feature import Feature
from engine.graph import (
    SCENE_COLOR,
    SCENE_DEPTH,
    BufferDecl,
    BufferUse,
    ColorTarget,
    ComputePass,
    CubeRead,
    DepthTarget,
    DrawArguments,
    DrawPass,
    Extent,
    FullscreenPass,
    ImageDecl,
    ImageRead,
    MaterialParameter,
    Pass,
    PrimitivePass,
    PushValue,
    RepeatedPass,
    Sampler,
    StorageWrite,
)
from engine.plan import Blend, Format, ShaderStage
from engine.tableau.schema import asset_field

FULLSCREEN = """#version 450
layout(push_constant) uniform Push { float gain; } push;
layout(set = 0, binding = 0) uniform sampler2D depth;
layout(set = 0, binding = 1) uniform samplerCube around;
layout(set = 0, binding = 2, std430) readonly buffer Sizes { float value[]; } sizes;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() { colour = texture(depth, uv) + texture(around, uv.xyx) * sizes.value[0] * push.gain; }
"""
POINT = """#version 450
void main() { gl_Position = vec4(gl_VertexIndex, gl_InstanceIndex, 0.5, 1.0); }
"""
COLOUR = """#version 450
layout(location = 0) out vec4 colour;
void main() { colour = vec4(1.0); }
"""
COMPUTE = """#version 450
layout(local_size_x = 1) in;
layout(constant_id = 0) const int many = 1;
layout(set = 0, binding = 0, std430) buffer Sizes { float value[]; } sizes;
layout(set = 0, binding = 1, rgba16f) uniform writeonly image2D written;
void main() { sizes.value[0] = float(many); imageStore(written, ivec2(0), vec4(1.0)); }
"""
DRAWN = ImageDecl("drawn", Format.R8G8B8A8_UNORM, Extent(0.5), clear=(0.0, 0.5, 1.0, 1.0))
DEPTH = ImageDecl("drawnDepth", Format.D32_SFLOAT, Extent(0.5))
WRITTEN = ImageDecl("written", Format.R16G16B16A16_SFLOAT, Extent(width=8, height=4))
SIZES = BufferDecl("sizes", 4096, persists=True)

PASSES: tuple[Pass, ...] = (
    FullscreenPass(
        "full",
        color=(ColorTarget(SCENE_COLOR, Blend.PREMULTIPLIED),),
        reads=(ImageRead(SCENE_DEPTH, "depth", Sampler(nearest=True), optional=True),),
        cubes=(CubeRead("around", "around"),),
        buffers=(BufferUse(SIZES, "sizes"),),
        after=("models",),
        before=("tone",),
        pushes=(PushValue("gain", (1.0,)),),
        shader="declarer/full.fs",
    ),
    PrimitivePass(
        "points",
        color=(ColorTarget(DRAWN),),
        depth=DepthTarget(DEPTH),
        shaders=("declarer/point.vs", "declarer/colour.fs"),
        arguments=DrawArguments(SIZES, 4, 2, SIZES),
        indices=SIZES,
    ),
    ComputePass(
        "compute",
        buffers=(BufferUse(SIZES, "sizes", writes=True, stages=ShaderStage.COMPUTE),),
        shader="declarer/compute.cs",
        writes=(StorageWrite(WRITTEN, "written"),),
        threads=(4, 2, 1),
        constants=(("many", 3),),
    ),
    DrawPass(
        "models",
        color=(ColorTarget(DRAWN),),
        depth=DepthTarget(DEPTH),
        draws="visibleModel",
        parameters=(MaterialParameter("shine", (0.5, 1.0), 0.0, 1.0),),
    ),
    RepeatedPass("again", color=(ColorTarget(DRAWN),), depth=DepthTarget(DEPTH), repeats="models"),
)

NOTHING = object()
WRONG: tuple[Any, ...] = (NOTHING, "half", None, 1.5, True, [1], (NOTHING,), float("nan"))
RIGHT: dict[str, tuple[Any, ...]] = {
    "str": ("half",),
    "float": (1.5, 1),
    "int": (),
    "bool": (True,),
    "DrawArguments | None": (None,),
    "BufferDecl | None": (None,),
    "DepthTarget | None": (None,),
}
"""Which of WRONG fit the annotation of a field; of one that is not listed none does."""
RANGES: dict[tuple[str, str], tuple[Any, ...]] = {
    ("Extent", "scale"): (0.0, -1.0, 1e30),
    ("Extent", "width"): (-1,),
    ("ImageDecl", "extent"): (Extent(width=5), Extent(width=1 << 20, height=8), Extent(1000.0)),
    ("ImageDecl", "name"): ("", "two\nlines"),
    ("ImageDecl", "format"): (Format.UNDEFINED, Format.BC7_UNORM_BLOCK, Format.R32G32B32_SFLOAT),
    ("ImageDecl", "layers"): (0, -1, 10**6),
    ("ImageDecl", "mip_levels"): (0, 99),
    ("BufferDecl", "size"): (0, -4, 1 << 60),
    ("BufferUse", "stages"): (ShaderStage(0),),
    ("ColorTarget", "layer"): (-1, 1),
    ("ColorTarget", "level"): (-1, 1),
    ("StorageWrite", "level"): (-1, 3),
    ("MaterialParameter", "default"): ((), (2.0,)),
    ("PrimitivePass", "vertices"): (-1, 2**32),
    ("ComputePass", "threads"): ((0, 1, 1), (1 << 20, 1, 1)),
    ("ComputePass", "constants"): ((("many", 2**40),),),
    ("FullscreenPass", "views"): ((),),
    ("FullscreenPass", "name"): ("", "\0"),
}
"""Values of the right type that are out of range."""


class Declarer(Feature):
    """Declares the passes that a test gives it."""

    type_name = "declarer"
    shaders: ClassVar = {
        "full.fs": FULLSCREEN,
        "point.vs": POINT,
        "colour.fs": COLOUR,
        "compute.cs": COMPUTE,
    }

    fields = (asset_field("asset", types=("mesh",), default=("builtin", "placeholder")),)
    buffers = ("declared",)

    def __init__(self) -> None:
        self.returns: dict[str, Any] = {"passes": PASSES}
        """What methods return in place of what those of Feature do."""

    def __getattribute__(self, name: str) -> Any:
        returns = object.__getattribute__(self, "__dict__").get("returns", {})
        return (lambda *_: returns[name]) if name in returns else super().__getattribute__(name)

    def cubes(self, rows):
        return {}

    def views(self, frame):
        return {}

    def frame_values(self, frame):
        return {}


def mutants(of: Any, path: str = "") -> Iterator[tuple[str, type, str, Any]]:
    """Yield (path of a value, its class, name of its field, function that puts another value there)."""
    if isinstance(of, tuple):
        for index, item in enumerate(of):
            for found, kind, name, put in mutants(item, f"{path}[{index}]"):
                yield found, kind, name, _in_tuple(of, index, put)
    elif is_dataclass(of) and not isinstance(of, type):
        for field in fields(of):
            where = f"{path}.{field.name}" if path else field.name
            yield where, type(of), field.name, lambda value, name=field.name: replace(of, **{name: value})
            for found, kind, name, put in mutants(getattr(of, field.name), where):
                yield found, kind, name, _in_field(of, field.name, put)


def _in_tuple(of: tuple[Any, ...], index: int, put: Any) -> Any:
    return lambda value: (*of[:index], put(value), *of[index + 1 :])


def _in_field(of: Any, name: str, put: Any) -> Any:
    return lambda value: replace(of, **{name: put(value)})


def wrong_types() -> Iterator[tuple[str, Pass, Any]]:
    """Yield (path, pass, wrong value) for each value of each pass, with each value of a wrong type."""
    for declared in PASSES:
        for path, kind, name, put in mutants(declared):
            annotation = next(str(field.type) for field in fields(kind) if field.name == name)
            for value in WRONG:
                right = RIGHT.get(annotation, ())
                if not any(value is one or (value == one and type(value) is type(one)) for one in right):
                    yield path, put(value), value


def out_of_range() -> Iterator[tuple[str, Pass, Any]]:
    """Yield the same with values of the right types that are out of range."""
    for declared in PASSES:
        for path, kind, name, put in mutants(declared):
            for value in RANGES.get((kind.__name__, name), ()):
                if not (path.startswith("reads") and isinstance(value, Extent)):  # nobody writes it
                    yield path, put(value), value

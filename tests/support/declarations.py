"""A feature that declares one of everything, the same with one wrong value in it, and a scene with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from support.random_scenes import profile

from engine.assets import AssetLibrary, open_library
from engine.feature import Feature, discover
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
from engine.humon import Problem
from engine.plan import Blend, Format, ImageShape, QueueUse, Requirement, ShaderStage
from engine.plan.terms.vocabulary import (
    Access,
    BufferUsage,
    Contents,
    ImageUsage,
    Kind,
    MemoryProperty,
    QueueKind,
    Stage,
)
from engine.planning.offline import scene_problems, settled_frame
from engine.scene import load_scene
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
ROWS = """#version 450
struct Row { vec4 value[4]; };
layout(set = 0, binding = 0, std430) readonly buffer Declared { Row row[]; } declared;
layout(location = 0) out vec4 colour;
void main() { colour = declared.row[0].value[0]; }
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
    ("PrimitivePass", "parts"): (0, 2, 2**40),
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
        "rows.fs": ROWS,
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


SCENE = """version: 1
tableau: { name: t  objects: {
    camera: { features: [{ @type: camera }] }
    thing: { features: [{ @type: declarer }] }
} }
"""
SIZE = (64, 48)


class Project:
    """A scene with a plug-in, whose library is cooked once; it is planned again for each declaration."""

    def __init__(self, folder: Path) -> None:
        self.feature = Declarer()
        self.registry = discover()
        self.registry.register(self.feature)
        self.path = folder / "scene.hu"
        self.path.write_text(SCENE)
        self.scene = load_scene(self.path, self.registry)
        self.library: AssetLibrary = open_library(self.scene.dbs)

    def planned(self, passes: Any = PASSES, **returns: Any) -> list[Problem]:
        """Plan a frame in which methods of the plug-in return this; return what is wrong with it."""
        self.feature.returns = {"passes": passes, **returns}
        scene = load_scene(self.path, self.registry)
        planner, needs = settled_frame(scene, self.library, profile("lavapipe"), SIZE)
        plan = planner.plan(needs)
        requesters = {str(one) for one in plan.requirements.requesters}
        assert any(one.startswith("camera on") for one in requesters), "the rest of the scene is there"
        return [p for p in scene_problems(scene, self.library, planner) if p.code != "feature.absent"]


OVER = (1 << 20, 1 << 50, (1 << 63) - 1)
USE = QueueUse(QueueKind.GRAPHICS, Access.SHADER_STORAGE_READ, Stage.VERTEX_SHADER)
NEEDED = Requirement(1, Kind.BUFFER, 16, usage=BufferUsage.STORAGE_BUFFER, uses=(USE,))
GREYS = replace(NEEDED, kind=Kind.IMAGE, shape=ImageShape(Format.R8_UNORM, 4, 4), usage=ImageUsage.SAMPLED)


def beyond_device() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (name, what methods of the plug-in return) for declarations beyond the software driver."""
    for name, image in _images():
        yield f"{name}, drawn", {"passes": (_drawn(image),)}
        kept = replace(image, history=image.layers == 1)
        yield f"{name}, kept", {"passes": (_drawn(kept, reads=(ImageRead(kept, "depth", previous=True),)),)}
        deep = replace(image, format=Format.D32_SFLOAT)
        if image.format is not Format.R32G32B32A32_SFLOAT and image.mip_levels == 1:
            yield f"{name}, depth", {"passes": (FullscreenPass("deep", depth=DepthTarget(deep)),)}
        stored = replace(image, name="written", format=Format.R16G16B16A16_SFLOAT)
        yield f"{name}, stored", {"passes": (replace(PASSES[2], writes=(StorageWrite(stored, "written"),)),)}
    for size in ((1 << 27) + 4, 1 << 31, 1 << 50, (1 << 63) - 4):
        for persists in (False, True):
            yield f"{size} bytes, persists {persists}", {"passes": _with_buffer(size, persists)}
    own = tuple(_drawn(_kept(f"own{number}")) for number in range(30))
    reads = tuple(ImageRead(_kept(f"own{number}"), "depth", previous=True) for number in range(30))
    last = _drawn(replace(DRAWN, name="last"), reads=reads)
    yield "many images", {"passes": (*own, last)}
    rows = _drawn(DRAWN, shader="declarer/rows.fs")
    yield "many rows", {"passes": (rows,), "buffer_rows": {"declared": 1 << 24}}
    snorm = replace(DRAWN, format=Format.R16G16B16A16_SNORM)
    blended = replace(_drawn(snorm), color=(ColorTarget(snorm, Blend.PREMULTIPLIED),))
    yield "blends what cannot be", {"passes": (_drawn(snorm), replace(blended, name="blended"))}
    for name, requested in _requested():
        yield name, {"requirements": requested}


def _images() -> Iterator[tuple[str, ImageDecl]]:
    for side in (16385, *OVER):
        yield f"{side} texels a side", replace(DRAWN, extent=Extent(width=side, height=side))
        yield f"{side} texels wide", replace(DRAWN, extent=Extent(width=side, height=1))
    yield "300 times the picture", replace(DRAWN, extent=Extent(300.0))
    yield "3000 layers", replace(DRAWN, layers=3000)
    yield (
        "more than memory",
        replace(DRAWN, format=Format.R32G32B32A32_SFLOAT, extent=Extent(width=16384, height=16384)),
    )
    yield "layers of more than memory", replace(DRAWN, extent=Extent(width=4096, height=4096), layers=2048)
    yield "too many mip levels", replace(DRAWN, extent=Extent(width=8, height=8), mip_levels=5)


def _drawn(image: ImageDecl, **others: Any) -> Pass:
    color = tuple(ColorTarget(image, level=level) for level in range(1))
    return FullscreenPass(f"{image.name}Fill", color=color, **{"shader": "declarer/colour.fs", **others})


def _kept(name: str) -> ImageDecl:
    return ImageDecl(name, Format.R8G8B8A8_UNORM, Extent(width=8192, height=8192), history=True)


def _with_buffer(size: int, persists: bool) -> tuple[Pass, ...]:
    buffer = BufferDecl("sizes", size, persists)
    return (
        replace(PASSES[2], buffers=(BufferUse(buffer, "sizes", writes=True, stages=ShaderStage.COMPUTE),)),
        replace(PASSES[1], arguments=DrawArguments(buffer, 4, 2, buffer), indices=buffer),
    )


def _requested() -> Iterator[tuple[str, list[Requirement]]]:
    of_buffer: tuple[dict[str, Any], ...] = (
        *({"size": size} for size in ((1 << 27) + 4, *OVER[1:])),
        *({"alignment": alignment} for alignment in (1 << 40, (1 << 61) - 1, 1 << 62)),
        *({"copies": copies} for copies in (1 << 40, (1 << 63) - 1)),
        *({"properties": of} for of in (MemoryProperty.LAZILY_ALLOCATED, MemoryProperty.PROTECTED)),
        *({"key": key} for key in (-1, 1 << 40, (1 << 63) - 1)),
        *({"lifetime": lifetime} for lifetime in ((5, 1), (-1, 2))),
        *({"usage": BufferUsage(usage)} for usage in (0, 1 << 20, 1 << 40)),
        {"persistent_map": True},
        {"contents": Contents.CACHE},
        {"contents": Contents.CACHE, "size": 1 << 50, "priority": 5000},
    )
    for values in of_buffer:
        yield f"buffer {values}", [replace(NEEDED, **values)]
    for values in (
        *({"copies": copies} for copies in (3000, 1 << 62)),
        *({"usage": of} for of in (ImageUsage(0), ImageUsage.DEPTH_STENCIL_ATTACHMENT)),
        *({"properties": of} for of in (MemoryProperty.LAZILY_ALLOCATED, MemoryProperty.PROTECTED)),
        {"contents": Contents.CACHE},
        {"persistent_map": True},
    ):
        yield f"image {values}", [replace(GREYS, **values)]
    shapes: tuple[dict[str, Any], ...] = (
        *({"width": width} for width in (16385, *OVER)),
        *({"samples": samples} for samples in (3, 4, 64, 1 << 40)),
        *({"mip_levels": levels} for levels in (4, 99, 10**9)),
        *({"format": form} for form in (Format.UNDEFINED, Format.R32G32B32A32_SFLOAT)),
    )
    for values in shapes:
        large = {"width": 16384, "height": 16384} if "format" in values else {}
        shape = replace(GREYS.shape, **large, **values)  # type: ignore[type-var]
        yield f"shape {values}", [replace(GREYS, shape=shape)]
    stored = replace(GREYS.shape, format=Format.R8G8B8A8_SRGB)  # type: ignore[type-var]
    yield "stored sRGB", [replace(GREYS, shape=stored, usage=ImageUsage.STORAGE)]
    primes = (2**31 - 1, 2**31 - 19, 2**31 - 61)
    yield "alignments together", [replace(NEEDED, alignment=alignment) for alignment in primes]

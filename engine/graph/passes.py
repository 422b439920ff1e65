"""Declarations of passes: the images that a pass writes and reads, its raster state, and what it draws.

A pass declares no memory, handles or commands. Its images become requirements, with the active rows of the
features that take part in the pass as requesters; its reads and writes become barriers.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from enum import Enum

from engine.graph.buffers import MAX_COMMANDS, BufferDecl, BufferRole, BufferUse, DrawArguments
from engine.graph.declarations import is_name
from engine.graph.images import LINEAR, ImageDecl, Sampler
from engine.plan.terms.drawing import AlphaMode, Blend, CompareOp, CullMode, FrontFace, ShaderStage
from engine.plan.terms.formats import Format
from engine.plan.terms.vulkan_enums import Aspect
from engine.plan.terms.vulkan_enums import Layout as Layout

MAX_DRAWN = 2**32 - 1
MAX_THREADS = 65_535
"""Of a compute pass, along each axis: every device has as many work groups (maxComputeWorkGroupCount)."""
DEPTH_FORMATS = (Format.D16_UNORM, Format.D32_SFLOAT)
"""Of depth targets: every device has both."""

STORED_FORMATS = (
    Format.R8G8B8A8_UNORM,
    Format.R16G16B16A16_SFLOAT,
    Format.R32_SFLOAT,
    Format.R32_UINT,
    Format.R32G32B32A32_SFLOAT,
)
"""Of images that compute shaders write: every device can store them."""

PICTURE_VIEW = ""
"""The name of the view of the picture."""


RESERVED = frozenset({"frame", "instances", "draws", "materials"})
"""The names of what every pass gives its shaders."""


@dataclass(frozen=True)
class ColorTarget:
    """A colour attachment. A pass that blends draws over what others have written, and comes after them.

    It is a layer and a mip level of the image; of a pass with several views, view i draws into layer
    `layer` + i.
    """

    image: ImageDecl
    blend: Blend = Blend.OPAQUE
    layer: int = 0
    level: int = 0

    @property
    def fault(self) -> str:
        """Why no pass draws colours there; empty where one may."""
        form = self.image.format
        if form.info.aspect is not Aspect.COLOR:
            return f"draws into {self.image.name}, whose format {form.name} is not for drawn colours"
        if self.blend is not Blend.OPAQUE and form.name.endswith("INT"):
            return f"blends {self.blend.name} into {self.image.name}, whose texels ({form.name}) are integers"
        return ""


@dataclass(frozen=True)
class DepthTarget:
    """A depth attachment. Depth is reversed: 0 is far, and what is nearer is GREATER.

    A pass that only tests depth, without `write`, comes after those that write it. `layer` and `level` are
    as in a ColorTarget.
    """

    image: ImageDecl
    write: bool = True
    compare: CompareOp = CompareOp.GREATER
    layer: int = 0
    level: int = 0

    @property
    def fault(self) -> str:
        """Why no pass draws depth there; empty where one may."""
        form = self.image.format
        if form in DEPTH_FORMATS:
            return ""
        possible = " and ".join(one.name for one in DEPTH_FORMATS)
        return f"draws into {self.image.name}, whose format is {form.name}: {possible} are possible"


@dataclass(frozen=True)
class ImageRead:
    """An image that a pass samples, in these stages, at the shader's binding of that name.

    When no pass of the frame writes it, a 1 x 1 image of zeros is bound instead, so that the shader
    needs no variant and the memory of the real image can be freed. That is reported, once, unless the read is
    `optional`.

    With `previous` it is what the last frame that was drawn left in an image with `history`: the pass may
    come before those that write the image in this frame, and may write it itself.
    """

    image: ImageDecl
    binding: str
    sampler: Sampler = LINEAR
    stages: ShaderStage = ShaderStage.FRAGMENT
    optional: bool = False
    previous: bool = False

    @property
    def fault(self) -> str:
        """Why no pass reads an image so; empty where one may."""
        return "" if self.stages else "is read in no stage"


@dataclass(frozen=True)
class CubeRead:
    """The cube of an environment that a pass samples, in these stages, at the shader's binding of that name.

    The shader declares it as a samplerCube. `name` is that by which a feature gives the asset
    (`Feature.cubes`). Until its cube has arrived, and where no enabled row gives one, a cube of one texel of
    zeros is bound instead.
    """

    name: str
    binding: str
    sampler: Sampler = LINEAR
    stages: ShaderStage = ShaderStage.FRAGMENT

    @property
    def fault(self) -> str:
        """Why no pass reads an environment so; empty where one may."""
        return "" if self.stages else "is read in no stage"


@dataclass(frozen=True)
class RasterState:
    """Fixed-function state of a pass's pipelines. Front faces are counter-clockwise, seen from outside.

    In a view that mirrors the scene, such as those of a cube's faces, they are clockwise.
    With `depth_clamp`, what lies before the near plane or behind the far one is drawn at their depth; it
    needs the device feature depthClamp, without which it is cut off. `wireframe` needs fillModeNonSolid,
    without which faces are filled.
    """

    cull: CullMode = CullMode.BACK
    front_face: FrontFace = FrontFace.COUNTER_CLOCKWISE
    depth_bias: float = 0.0
    depth_bias_slope: float = 0.0
    depth_clamp: bool = False
    wireframe: bool = False


@dataclass(frozen=True)
class PushValue:
    """A member of the push constant blocks of a pass's shaders, by its name.

    It has these `numbers`, or in each view of the pass those of `views`. With neither it has the value of
    that name that features return for the Frame block (`Feature.frame_values`, `Feature.views`): commands
    are recorded again whenever such a value changes, so what changes in each frame is better read from Frame.
    """

    name: str
    numbers: tuple[float, ...] = ()
    views: tuple[tuple[float, ...], ...] = ()

    @property
    def is_given(self) -> bool:
        """Whether the pass itself gives it, rather than a feature in each frame."""
        return bool(self.numbers or self.views)

    def of(self, view: int) -> tuple[float, ...]:
        """Return the numbers in the view with this index."""
        return self.views[view] if self.views else self.numbers


@dataclass(frozen=True)
class Pass:
    """One pass of a frame, of one of the kinds below.

    Passes that read an image or a buffer come after those that write it, and those that blend or only test
    depth after those that do not. `after` and `before` name passes; they decide where that leaves a choice,
    and names of passes that the frame does not have are ignored. They change no order of built-in passes.

    A pass draws once in each of its `views`: each sets the values of the Frame block that differ in it, as
    the feature that makes it says (`Feature.views`). The view without a name is that of the picture.

    `pushes` are the values of push constants: a shader may have no others.
    """

    name: str
    _: KW_ONLY
    color: tuple[ColorTarget, ...] = ()
    depth: DepthTarget | None = None
    reads: tuple[ImageRead, ...] = ()
    cubes: tuple[CubeRead, ...] = ()
    buffers: tuple[BufferUse, ...] = ()
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    views: tuple[str, ...] = (PICTURE_VIEW,)
    pushes: tuple[PushValue, ...] = ()

    @property
    def fault(self) -> str:
        """Why there is no such pass; empty where there may be one."""
        if not is_name(self.name):
            return f"has the name {self.name!r}, which cannot be printed"
        seen = set(RESERVED)
        for binding in self.bindings():
            if binding in seen:
                every = ", which every pass has" if binding in RESERVED else " twice"
                return f"has the binding '{binding}'{every}"
            seen.add(binding)
        return ""

    def bindings(self) -> tuple[str, ...]:
        """Return the names at which shaders find what the pass declares."""
        images = (*(read.binding for read in self.reads), *(cube.binding for cube in self.cubes))
        return (*images, *(use.binding for use in self.buffers))

    def targets(self) -> tuple[ColorTarget | DepthTarget, ...]:
        """Return every attachment."""
        return (*self.color, *([self.depth] if self.depth is not None else []))

    def read_now(self) -> tuple[ImageDecl, ...]:
        """Return every image of which the pass samples what this frame has made."""
        return tuple(read.image for read in self.reads if not read.previous)

    def written(self) -> tuple[ImageDecl, ...]:
        """Return every image that the pass draws or writes into."""
        return tuple(target.image for target in self.targets())

    def used_buffers(self) -> tuple[BufferUse, ...]:
        """Return every buffer, also those that shaders do not read."""
        return self.buffers


@dataclass(frozen=True)
class ClearPass(Pass):
    """A pass that draws nothing: its attachments are cleared."""


class DrawOrder(Enum):
    """The order of what a pass draws: by pipeline, textures and buffers, or along the view.

    Along the view what shows both sides is drawn by two calls for each object: back faces, then front faces.
    """

    BY_STATE = "by state"
    BACK_TO_FRONT = "back to front"


@dataclass(frozen=True)
class MaterialParameter:
    """A parameter of all materials of a pass: its default, and the limits of its numbers."""

    name: str
    default: tuple[float, ...]
    minimum: float = -math.inf
    maximum: float = math.inf

    @property
    def fault(self) -> str:
        """Why there is no such parameter; empty where there may be one."""
        if not 1 <= len(self.default) <= 4:
            return f"has a default of {len(self.default)} numbers: from 1 to 4 are possible"
        if self.limited(self.default) != self.default:
            return f"has the default {self.default}, which is not {self.range_text()}"
        return ""

    def limited(self, numbers: tuple[float, ...]) -> tuple[float, ...]:
        """Return the nearest numbers within the limits."""
        if self.minimum <= min(numbers) and max(numbers) <= self.maximum:
            return numbers
        return tuple(min(max(number, self.minimum), self.maximum) for number in numbers)

    def range_text(self) -> str:
        """Return the limits in words."""
        if self.maximum == math.inf:
            return f"at least {self.minimum:g}"
        return f"from {self.minimum:g} to {self.maximum:g}"


@dataclass(frozen=True)
class DrawPass(Pass):
    """Draws the enabled rows of the feature type `draws`.

    `shaders` are names of shader assets, `NAME` in the builtin assetDb or `DATABASE/NAME` of the scene.
    Those may read the textures and parameters of what they draw, where it has a material. If there are none,
    the material of each drawn model names its shaders. `parameters` are those that every
    material has. A material may be double-sided, which goes before the cull mode of `state`.

    Only what has a material that covers in one of the ways of `materials` is drawn, in this `order`. A pass
    that `needs_rows` is not in the frame while no active row draws anything in it. One that is `chosen_only`
    draws the rows of objects that were chosen (`ScenePlanner.choose`), and no others. `fragment` names a
    fragment shader in place of those of the materials.
    """

    draws: str = ""
    shaders: tuple[str, ...] = ()
    state: RasterState = RasterState()
    parameters: tuple[MaterialParameter, ...] = ()
    materials: tuple[AlphaMode, ...] = tuple(AlphaMode)
    order: DrawOrder = DrawOrder.BY_STATE
    needs_rows: bool = False
    chosen_only: bool = False
    fragment: str = ""


@dataclass(frozen=True)
class RepeatedPass(Pass):
    """Draws what the draw pass `repeats` draws, as that one does, but in other views and into other targets.

    Rows, shaders, parameters, state and what it reads are those of that pass, whichever feature it is of, but
    for `front_face`; `reads`, `cubes`, `buffers` and `pushes` of its own are added. It is not in a frame that
    has no such pass. That is reported where no feature declares one, switched on or not, unless the pass is
    `optional`: as one is that repeats a pass of a package which need not be there, or that depends on rows.
    """

    repeats: str = ""
    front_face: FrontFace = FrontFace.COUNTER_CLOCKWISE
    optional: bool = False


@dataclass(frozen=True)
class FullscreenPass(Pass):
    """Runs the fragment shader `shader`, named as in a DrawPass, for every texel of its targets.

    The shader may read the texel's place as `layout(location = 0) in vec2 uv`: (0, 0) at the upper left,
    (1, 1) at the lower right. A depth target is tested with depth 0, the farthest.
    """

    shader: str = ""


@dataclass(frozen=True)
class PrimitivePass(Pass):
    """Draws `instances` instances of `vertices` vertices as triangles, without a mesh.

    `shaders` are a vertex and a fragment shader, named as in a DrawPass. They find what they draw from
    gl_VertexIndex and gl_InstanceIndex, in buffers and in the Frame block. With `indices`, uint32 in a buffer
    that shaders have written, there are `vertices` indices, and gl_VertexIndex is what they say.

    With `arguments` shaders have written how much is drawn, and from which first vertex and instance.
    `vertices` and `instances` are then where those of each command end, firsts included: what lies beyond is
    not drawn, so commands with first instances from 0 to 4 need 5 `instances`. Whatever was written,
    gl_InstanceIndex, and without `indices` gl_VertexIndex, is below them. With `indices` a command draws at
    most `vertices` of them, none from beyond their end (`engine/graph/arguments.py`). What an index says is
    not limited: what the shaders read from buffers with it is nothing they have not been given
    (robustBufferAccess).

    With `among`, the name of a draw pass with the order BACK_TO_FRONT, it is drawn between what that one
    draws: up to `parts`, each where its place is along the view (`Feature.places`). A part has `instances`
    instances, which gl_InstanceIndex counts on from those of the parts before it. Targets, but for how they
    blend, and views are those of that pass; what this one reads and its `after` and `before` hold for that
    one, too. In a frame without it the parts are sorted among themselves.
    """

    shaders: tuple[str, ...] = ()
    vertices: int = 3
    instances: int = 1
    state: RasterState = RasterState(cull=CullMode.NONE)
    arguments: DrawArguments | None = None
    indices: BufferDecl | None = None
    among: str = ""
    parts: int = 1

    @property
    def fault(self) -> str:
        """Why there is no such pass; empty where there may be one."""
        of, indices = self.arguments, self.indices
        instances = self.instances * max(self.parts, 1)
        for what, count in (("vertices", self.vertices), ("instances", instances)):
            if not 0 <= count <= MAX_DRAWN:
                return f"draws {count} {what}: from 0 to {MAX_DRAWN} are possible"
        if self.parts < 1 or (self.parts > 1 and (of is not None or not self.among)):
            return (
                f"has {self.parts} parts: one, and `among` others, without arguments, any number is possible"
            )
        if indices is not None and (indices.size < 4 or indices.size % 4):
            return f"has indices in {indices.name}, of {indices.size} bytes: a multiple of 4 is possible"
        if of is not None and not 1 <= of.most <= MAX_COMMANDS:
            return f"has {of.most} commands: from 1 to {MAX_COMMANDS} are possible"
        if of is not None and not 0 <= of.offset <= of.buffer.size - of.most * self.command_bytes:
            return f"has commands that lie outside of {of.buffer.name}"
        if of is not None and of.offset % 4:
            return f"has commands at byte {of.offset}, which is no multiple of 4"
        if len(self.shaders) != 2 or not all(self.shaders):
            return f"has the shaders {self.shaders}: two names are possible, a vertex and a fragment shader's"
        return super().fault

    @property
    def command_bytes(self) -> int:
        """The size of a command in its arguments: VkDrawIndirectCommand, or with indices the indexed one."""
        return 16 if self.indices is None else 20

    def used_buffers(self) -> tuple[BufferUse, ...]:
        """Return every buffer, also those that shaders do not read."""
        of, found = self.arguments, list(self.buffers)
        if of is not None:
            found.append(BufferUse(of.buffer, ".arguments", role=BufferRole.ARGUMENTS))
        if of is not None and of.count not in (None, of.buffer):
            assert of.count is not None
            found.append(BufferUse(of.count, ".count", role=BufferRole.ARGUMENTS))
        if self.indices is not None:
            found.append(BufferUse(self.indices, ".indices", role=BufferRole.INDICES))
        return tuple(found)


@dataclass(frozen=True)
class StorageWrite:
    """An image that a compute shader writes, at the binding of that name.

    It is an `image2D`, with layers an `image2DArray`, and of a cube an `imageCube`.

    Its mip level is `level`. What the pass does not write is undefined.
    """

    image: ImageDecl
    binding: str
    level: int = 0

    @property
    def fault(self) -> str:
        """Why no compute shader writes there; empty where one may."""
        form = self.image.format
        if form in STORED_FORMATS:
            return ""
        possible = ", ".join(one.name for one in STORED_FORMATS)
        return f"writes {self.image.name}, whose format is {form.name}: {possible} are possible"


@dataclass(frozen=True)
class ComputePass(Pass):
    """Runs the compute shader `shader`, named as in a DrawPass, in at least `threads` invocations.

    Their number is rounded up to whole work groups of the shader's local size: it must leave out what is too
    much. Threads are counted along x, y and z; with an image in place of numbers there is one for each of its
    texels. `constants` are specialization constants of the shader, by name.
    """

    shader: str = ""
    threads: tuple[int, int, int] | ImageDecl = (1, 1, 1)
    writes: tuple[StorageWrite, ...] = ()
    constants: tuple[tuple[str, int], ...] = ()

    @property
    def fault(self) -> str:
        """Why there is no such pass; empty where there may be one."""
        numbers = (1,) if isinstance(self.threads, ImageDecl) else self.threads
        if min(numbers) < 1 or max(numbers) > MAX_THREADS:
            return f"runs {self.threads} threads; from 1 to {MAX_THREADS} are possible"
        for name, number in self.constants:
            if not -(2**31) <= number < 2**32:
                return f"gives {name} the value {number}, which is no 32-bit number"
        return super().fault

    def bindings(self) -> tuple[str, ...]:
        """Return the names at which shaders find what the pass declares."""
        return (*super().bindings(), *(write.binding for write in self.writes))

    def written(self) -> tuple[ImageDecl, ...]:
        """Return every image that the pass writes into."""
        return tuple(write.image for write in self.writes)

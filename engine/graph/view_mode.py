"""View modes: what of a scene its picture shows, as passes in place of those that the features declare.

Beside the picture there may be others for a window alone: with a grid, with chosen objects outlined.

A mode changes nothing of the scene. Passes that its picture does not need are not in the frame, so that their
memory returns with the next plan, and what it needs of its own is planned and requested like anything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import Enum
from typing import NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from engine.graph.images import PICTURE, SCENE_COLOR, SCENE_DEPTH, ImageDecl, Sampler
from engine.graph.passes import (
    PICTURE_VIEW,
    ColorTarget,
    DepthTarget,
    DrawOrder,
    DrawPass,
    FullscreenPass,
    ImageRead,
    Pass,
    PushValue,
)
from engine.plan.terms.drawing import AlphaMode, Blend, CompareOp, ShaderStage
from engine.plan.terms.formats import Format

WIREFRAME_FEATURE = "fillModeNonSolid"
"""What a device needs for lines in place of faces."""
SURFACE_SHADERS = ("full.vs", "dataView.fs")
LINE_SHADERS = ("default.vs", "wireView.fs")
WHOLE = ImageDecl("wholePicture", PICTURE.format)
"""The picture of which a view shows one channel."""
_NEAREST = Sampler(nearest=True)
GRID_PICTURE = ImageDecl("gridPicture", PICTURE.format)
COVER = ImageDecl("overlayCover", Format.R8G8B8A8_UNORM, clear=(0.0, 0.0, 0.0, 0.0))
"""How much of each texel lies over the picture, and so over its grid and outlines: in alpha."""
_COVER_READ = ImageRead(COVER, "cover", _NEAREST, optional=True)
GRID = FullscreenPass(
    "viewer: grid",
    color=(ColorTarget(GRID_PICTURE),),
    reads=(
        ImageRead(PICTURE, "picture", _NEAREST),
        ImageRead(SCENE_DEPTH, "sceneDepth", _NEAREST, optional=True),
        _COVER_READ,
    ),
    shader="groundGrid",
)
"""Lies over the picture and not in it, so that pictures that are read or written have no grid."""
CHOSEN_MASK = ImageDecl("chosenMask", Format.R8G8B8A8_UNORM, clear=(0.0, 0.0, 0.0, 0.0))
"""How much of each texel chosen objects cover, in alpha."""
OUTLINED_PICTURE = ImageDecl("outlinedPicture", PICTURE.format)


class ViewMode(Enum):
    """What a picture shows; the values are words for users.

    `albedo` and `emissive` are colours, in linear light as the picture's own. Of the others a byte of the
    picture is 255 times the value: `normal` x, y and z in the world, from -1 to 1 as 0 to 1; `depth` 1 / (1 +
    metres in front of the eye); `uv` the fraction of the coordinates of the albedo texture.
    """

    LIT = "lit"
    LINES = "lines over lit"
    WIREFRAME = "wireframe"
    ALBEDO = "albedo"
    NORMAL = "normal"
    ROUGHNESS = "roughness"
    METALLIC = "metallic"
    OCCLUSION = "occlusion"
    EMISSIVE = "emissive"
    DEPTH = "depth"
    UV = "uv"
    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    COVERAGE = "coverage"


class Viewed(NamedTuple):
    """What a viewer wants of the picture of a scene: plans follow from it as from the scene.

    The mode, whether there is a grid, the images that are kept to be read, and the objects that are outlined:
    `chosen` are rows of the tableau, ascending.
    """

    mode: ViewMode
    has_grid: bool
    watched: frozenset[str]
    chosen: NDArray[np.int32]


DATA = (
    ViewMode.ALBEDO,
    ViewMode.NORMAL,
    ViewMode.ROUGHNESS,
    ViewMode.METALLIC,
    ViewMode.OCCLUSION,
    ViewMode.EMISSIVE,
    ViewMode.DEPTH,
    ViewMode.UV,
)
"""Values of surfaces, in the order of dataView.fs.glsl."""
COLORS = (ViewMode.ALBEDO, ViewMode.EMISSIVE)
CHANNELS = (ViewMode.RED, ViewMode.GREEN, ViewMode.BLUE, ViewMode.COVERAGE)
LINES = (ViewMode.LINES, ViewMode.WIREFRAME)

Declared = dict[str, list[Pass]]
"""The passes of each feature, by its name."""
VIEWER = "viewer"
"""In place of a feature: the passes of a window."""


def shown(declared: Declared, mode: ViewMode, *, grid: bool = False, outline: bool = False) -> Declared:
    """Return the passes of a frame in a mode. Those of LINES need WIREFRAME_FEATURE of the device.

    With `grid` there is GRID_PICTURE, too, if it is watched: the picture with a grid on the ground. With
    `outline` there is OUTLINED_PICTURE, if it is watched: the picture, or that with a grid, with an outline
    around what the chosen objects show, also where something is before them. What passes blend over the
    picture, such as overlays, lies over both.
    """
    found = _in_mode(declared, mode)
    own: list[Pass] = [GRID] if grid else []
    if grid or outline:
        found = _with_cover(found)
    if outline:
        found = _with_masks(found)
        own.append(contour_of(GRID_PICTURE if grid else PICTURE))
    return {**found, VIEWER: own} if own else found


def contour_of(picture: ImageDecl) -> FullscreenPass:
    """Return the pass that outlines what covers CHOSEN_MASK, over a copy of `picture`."""
    reads = ImageRead(picture, "picture", _NEAREST), ImageRead(CHOSEN_MASK, "mask"), _COVER_READ
    return FullscreenPass(
        "viewer: outline", color=(ColorTarget(OUTLINED_PICTURE),), reads=reads, shader="outline"
    )


def without_empty_contour(passes: Declared) -> Declared:
    """Leave out the outline where no pass draws what it is of."""
    kept = [p for p in passes.get(VIEWER, []) if CHOSEN_MASK not in p.read_now()]
    if len(kept) == len(passes.get(VIEWER, [])):
        return passes
    if any(isinstance(p, DrawPass) and p.chosen_only for _, p in _each(passes)):
        return passes
    return {**passes, VIEWER: kept}


def _with_cover(declared: Declared) -> Declared:
    """Add passes that draw once more, into COVER, what passes blend over the finished picture.

    They come after these, as COVER can then lie in the memory of what the picture is made of.
    """
    found = {name: list(own) for name, own in declared.items()}
    for name, p in _each(declared):
        blends = [t.blend for t in p.color if t.image in (PICTURE, WHOLE) and t.blend is not Blend.OPAQUE]
        if blends:
            color = (ColorTarget(COVER, blends[0]),)
            cover = replace(p, name=f"viewer: cover of {p.name}", color=color, after=(p.name,), before=())
            found[name].append(replace(cover, depth=p.depth and replace(p.depth, write=False)))
    return found


def _with_masks(declared: Declared) -> Declared:
    """Add passes that draw once more, into CHOSEN_MASK and only of chosen objects, what surfaces are drawn.

    Vertices are shaded as there, and so are fragments, unless their material covers all behind it: so that
    bones, morph targets, holes and shaders of anyone are in the outline.
    """
    found = {name: list(own) for name, own in declared.items()}
    masked: set[object] = set()
    for name, p in _each(declared):
        if not isinstance(p, DrawPass) or PICTURE_VIEW not in p.views or (p.draws, p.materials) in masked:
            continue  # of several passes that draw the same, such as lines over surfaces, one is enough
        blends = [target.blend for target in p.color if target.image in (SCENE_COLOR, PICTURE)]
        if blends:
            masked.add((p.draws, p.materials))
            found[name] += _masks(p, blends[0])
    return found


def _masks(p: DrawPass, blend: Blend) -> Iterator[DrawPass]:
    """Return passes for what covers all behind it, by the shape alone, and for the rest of a pass."""
    mask = replace(
        p,
        name=f"viewer: mask of {p.name}",
        color=(ColorTarget(CHOSEN_MASK, blend),),
        depth=None,
        after=(),
        before=(),
        views=(PICTURE_VIEW,),
        state=replace(p.state, wireframe=False),
        order=DrawOrder.BY_STATE,
        needs_rows=True,
        chosen_only=True,
    )
    whole = () if p.shaders else tuple(mode for mode in p.materials if mode is AlphaMode.OPAQUE)
    rest = tuple(mode for mode in p.materials if mode not in whole)
    if whole:
        reads = tuple(read for read in p.reads if read.stages & ShaderStage.VERTEX)
        buffers = tuple(use for use in p.buffers if use.stages & ShaderStage.VERTEX)
        bare = replace(mask, materials=whole, reads=reads, buffers=buffers, cubes=())
        yield replace(bare, fragment="flatShape.fs")
    if rest:
        yield replace(mask, name=f"{mask.name}, as shaded", materials=rest)


def _in_mode(declared: Declared, mode: ViewMode) -> Declared:
    if mode in DATA:
        return _data(declared, mode)
    if mode in CHANNELS:
        return _channel(declared, mode)
    if mode in LINES:
        return _lines(declared, over=mode is ViewMode.LINES)
    return declared


def _data(declared: Declared, mode: ViewMode) -> Declared:
    """Surfaces with one value of each, and nothing else."""
    found: Declared = {}
    for name, p in _each(declared):
        if _shades(p):
            number = (PushValue("value", (float(DATA.index(mode)),)),)
            found.setdefault(name, []).append(_without_light(p, "data", SURFACE_SHADERS, number))
        elif any(target.image == PICTURE for target in p.color) and not _has(found, "dataPicture"):
            is_color = (PushValue("isColor", (float(mode in COLORS),)),)
            read = ImageRead(SCENE_COLOR, "sceneColor", _NEAREST, optional=True)
            found.setdefault(name, []).append(_on_screen(p, "dataPicture", (read,), is_color))
    return found


def _channel(declared: Declared, mode: ViewMode) -> Declared:
    """The picture as it is, of which one channel is shown as grey."""
    found: Declared = {}
    for name, p in _each(declared):
        color = tuple(
            replace(target, image=WHOLE) if target.image == PICTURE else target for target in p.color
        )
        found.setdefault(name, []).append(replace(p, color=color) if color != p.color else p)
        if color != p.color and not _has(found, "channelView"):
            reads = (
                ImageRead(WHOLE, "picture", _NEAREST),
                ImageRead(SCENE_COLOR, "sceneColor", _NEAREST, optional=True),
            )
            number = (PushValue("channel", (float(CHANNELS.index(mode)),)),)
            found[name].append(_on_screen(p, "channelView", reads, number))
    return found


def _lines(declared: Declared, *, over: bool) -> Declared:
    """The edges of triangles: over lit surfaces, or lit themselves in place of them."""
    found: Declared = {}
    for name, p in _each(declared):
        own = found.setdefault(name, [])
        if not _shades(p) or (over and AlphaMode.OPAQUE not in p.materials):
            own.append(p)
            continue
        state = replace(p.state, wireframe=True)
        if not over:
            own.append(replace(p, state=state))
            continue
        lines = _without_light(p, "lines", LINE_SHADERS, ())
        depth = p.depth and DepthTarget(p.depth.image, write=False, compare=CompareOp.GREATER_OR_EQUAL)
        own += [p, replace(lines, depth=depth, state=replace(state, depth_bias=4.0, depth_bias_slope=1.0))]
    return found


def _each(declared: Mapping[str, list[Pass]]) -> Iterator[tuple[str, Pass]]:
    for name, own in declared.items():
        for p in own:
            yield name, p


def _has(found: Declared, name: str) -> bool:
    return any(p.name == name for own in found.values() for p in own)


def _shades(p: Pass) -> TypeGuard[DrawPass]:
    """Whether a pass draws the surfaces of the picture, with the shaders of their materials."""
    if not isinstance(p, DrawPass) or p.shaders or PICTURE_VIEW not in p.views:
        return False
    return any(target.image == SCENE_COLOR for target in p.color)


def _without_light(
    p: DrawPass, suffix: str, shaders: tuple[str, ...], pushes: tuple[PushValue, ...]
) -> DrawPass:
    """Return a draw pass that draws the same rows with other shaders, which read nothing of other passes."""
    bare = replace(p, name=f"{p.name} {suffix}", reads=(), cubes=(), buffers=(), after=(), before=())
    return replace(bare, shaders=shaders, pushes=pushes, views=(PICTURE_VIEW,))


def _on_screen(
    p: Pass, shader: str, reads: tuple[ImageRead, ...], pushes: tuple[PushValue, ...]
) -> FullscreenPass:
    """Return a pass that makes the picture in place of another one."""
    target = next(target for target in p.color if target.image == PICTURE)
    return FullscreenPass(
        shader, color=(replace(target, image=PICTURE),), reads=reads, shader=shader, pushes=pushes
    )

"""Pictures of assets: a mip level of a texture, a shaded view of a mesh. Made on a thread, from the cache."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetLibrary, AssetRef
from engine.assets.cache.facts import TextureFacts
from engine.assets.formats import TextureFormat
from engine.assets.records import Mesh, Model
from engine.planning.draw.rays import read_triangles

Pixels = NDArray[np.uint8]
SIDE = 128
MOST_TRIANGLES = 4_000
_EYE = np.array([0.55, 0.45, 0.7])
_GROUND = (32, 35, 41, 255)


def has_thumbnail(library: AssetLibrary, ref: AssetRef) -> bool:
    """Whether there is a picture of an asset."""
    record = library.unreplaced(ref)
    if isinstance(record, Model | Mesh):
        return True
    if library.is_broken(ref) or not record.has_data:
        return False
    facts = library.facts(ref)
    return isinstance(facts, TextureFacts)


def thumbnail(library: AssetLibrary, ref: AssetRef) -> Pixels:
    """Make the picture of an asset, uint8[h, w, 4] of at most SIDE texels a side.

    Raises CacheMissError.
    """
    record = library.record(ref)
    if isinstance(record, Model):
        record = library.record(record.mesh)
    if isinstance(record, Mesh):
        lod = record.lods[0]
        mesh = read_triangles(library, lod.vertices.key, lod.indices.key)
        return shaded(mesh.positions, mesh.corners)
    return texture_picture(*library.read_texels(ref))


def texture_picture(facts: TextureFacts, data: bytes) -> Pixels:
    """The finest level of at most SIDE texels a side as a picture; colours as they are, floats encoded.

    The format has no blocks.
    """
    level = next(
        (n for n in range(facts.mip_levels) if max(facts.width, facts.height) >> n <= SIDE),
        facts.mip_levels - 1,
    )
    width, height = max(1, facts.width >> level), max(1, facts.height >> level)
    texels = _texels(facts.format, data[facts.mip_offsets[level] :], width, height)
    step = max(1, -(-max(width, height) // SIDE))
    return _as_colours(texels[::step, ::step])


def shaded(positions: NDArray[np.floating[Any]], corners: NDArray[np.integer[Any]]) -> Pixels:
    """A mesh from above and before, lit from there: the nearest triangles last. positions [n, 3]."""
    from PIL import Image, ImageDraw  # importing takes longer than a frame

    picture = Image.new("RGBA", (SIDE, SIDE), _GROUND)
    points = np.asarray(positions, np.float64)
    if not len(points) or not np.isfinite(points).all():
        return np.asarray(picture)
    low, high = points.min(axis=0), points.max(axis=0)
    points = (points - (low + high) / 2) / max(float(np.linalg.norm(high - low)) / 2, 1e-30)
    ahead = _EYE / np.linalg.norm(_EYE)
    right = np.cross([0.0, 1.0, 0.0], ahead)
    right /= np.linalg.norm(right)
    up = np.cross(ahead, right)
    flat = np.stack((points @ right, -(points @ up)), axis=1) * (SIDE * 0.46) + SIDE / 2
    draw = ImageDraw.Draw(picture)
    if not len(corners):
        draw.point([(float(x), float(y)) for x, y in flat[:MOST_TRIANGLES]], fill=(230, 142, 74, 255))
        return np.asarray(picture)
    if len(corners) > MOST_TRIANGLES:
        corners = corners[:: -(-len(corners) // MOST_TRIANGLES)]
    triangles = points[corners]
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    length = np.linalg.norm(normals, axis=1)
    facing = np.abs(normals @ ahead) / np.maximum(length, 1e-30)
    grey = np.clip(40 + 200 * facing, 0, 255).astype(int)
    for number in np.argsort((triangles @ ahead).mean(axis=1)):
        level = int(grey[number])
        corner = flat[corners[number]].ravel().tolist()
        draw.polygon(corner, fill=(level, level, min(255, level + 8), 255))
    return np.asarray(picture)


def _texels(form: TextureFormat, data: bytes, width: int, height: int) -> NDArray[Any]:
    """The texels at the beginning of data, [height, width, channels]."""
    count = width * height * form.channels
    return np.frombuffer(data, form.dtype, count).reshape(height, width, form.channels)


def _as_colours(texels: NDArray[Any]) -> Pixels:
    values = texels.astype(np.float32)
    if np.issubdtype(texels.dtype, np.integer):
        values = values / float(np.iinfo(texels.dtype).max)
    else:
        values = np.nan_to_num(values, nan=0.0, posinf=1.0, neginf=0.0)
        values = np.clip(values, 0.0, 1.0) ** (1 / 2.2)
    height, width, channels = values.shape
    colours = np.ones((height, width, 4), np.float32)
    if channels == 1:
        colours[..., :3] = values
    else:
        colours[..., :2], colours[..., 2] = values[..., :2], values[..., 2] if channels > 2 else 0.0
    if channels == 4:  # over a grey ground, as what is transparent has any colour
        colours[..., :3] = colours[..., :3] * values[..., 3:] + 0.2 * (1 - values[..., 3:])
    return np.round(np.clip(colours, 0.0, 1.0) * 255).astype(np.uint8)

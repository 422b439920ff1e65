"""Finds what is drawn at a pixel.

On the thread that draws, a ray is tested against the boxes of blocks and instances, in arrays. What is left
is tested triangle by triangle on a thread of its own, against meshes read from their caches.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from engine.assets import AssetLibrary, AssetRef
from engine.feature.morphs import NO_MORPHS, Morphs
from engine.feature.skins import NO_BONES, Skins
from engine.graph import PICTURE_VIEW, SCENE_COLOR
from engine.plan.terms.drawing import CullMode
from engine.planning.draw.eyes import Eye
from engine.planning.draw.rays import (
    Covers,
    Ray,
    Triangles,
    bent_triangles,
    morphed_triangles,
    nearest_triangle,
    read_triangles,
)
from engine.planning.draw.tables import DrawTable
from engine.planning.picking.cutouts import Cutout, SurfaceAlpha, covers_where, cutout_of, read_surface_alpha
from engine.planning.picking.texture_alpha import TextureAlpha, read_alpha
from engine.tableau import ObjectHandle, Tableau

Doubles = npt.NDArray[np.float64]

KEPT_BYTES = 64 << 20
"""Bytes of meshes and of alpha that are kept for further picks."""


class _Sized(Protocol):
    """What is kept for further picks."""

    @property
    def size(self) -> int:
        """The bytes that it takes."""


@dataclass(frozen=True)
class PickHit:
    """What is seen at a pixel.

    Attributes
    ----------
    object : ObjectHandle
    feature : str
        The type of the feature that draws it.
    triangle : int
        The number of the triangle in the indices of its mesh.
    position : (float, float, float)
        The place that was hit, in the world, in metres.
    distance : float
        Metres from the near plane (from where the view begins) to that place.
    """

    object: ObjectHandle
    feature: str
    triangle: int
    position: tuple[float, float, float]
    distance: float


@dataclass(frozen=True)
class _Candidate:
    """An instance whose box the ray enters: what is needed to test it while the scene goes on."""

    entry: float
    handle: ObjectHandle
    feature: str
    mesh: tuple[int, int]
    axes: Doubles
    place: Doubles
    cull: CullMode
    mirrored: bool
    bones: Doubles | None
    morph: tuple[AssetRef, npt.NDArray[np.float32]] | None
    cutout: Cutout | None


class Picker:
    """Finds what is drawn at a pixel, without waiting. Close it.

    Geometry is hit as it is drawn: where a face is culled, or where a material has a hole, it is passed
    through. The alpha of a mask is that of texture, factor and colours of vertices, of a shader of anyone as
    far as it reads these; what blends is hit where it covers at all. Lines and points, and what passes draw
    without meshes, are not hit. What later passes draw over the picture hides nothing, nor does the border of
    a viewport.
    """

    def __init__(
        self,
        tableau: Tableau,
        library: AssetLibrary,
        skins: Skins | None = None,
        morphs: Morphs | None = None,
    ) -> None:
        """Without `skins` and `morphs` meshes are hit as they were made."""
        self._tableau = tableau
        self._skins = skins
        self._morphs = morphs
        self._library = library
        self._pool: ThreadPoolExecutor | None = None
        self._kept: OrderedDict[tuple[int, ...], _Sized | None] = OrderedDict()  # of the thread

    def pick(
        self, tables: Iterable[DrawTable], eye: Eye | None, size: tuple[int, int], x: int, y: int
    ) -> Future[PickHit | None]:
        """Return what an eye sees of these tables at a pixel, row 0 at the top; None for nothing.

        Without an eye there is no frame, and nothing is seen. The result is there as soon as a thread has
        tested what lies on the ray; it raises CacheMissError where a mesh cannot be read. Raises ValueError
        for a pixel outside of `size`.
        """
        if not (0 <= x < size[0] and 0 <= y < size[1]):
            raise ValueError(f"pixel {x} {y} is outside of a picture of {size[0]} x {size[1]}")
        found: list[_Candidate] = []
        if eye is not None:
            rays = pixel_ray(eye, size, x, y), pixel_ray(eye, size, x + 1, y), pixel_ray(eye, size, x, y + 1)
            for table in tables:
                if _is_seen(table):
                    found += self._candidates(table, rays[0], eye.origin)
        if eye is None or not found:
            nothing: Future[PickHit | None] = Future()
            nothing.set_result(None)
            return nothing
        found.sort(key=lambda one: one.entry)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "picking")
        return self._pool.submit(self._first_hit, found, rays, eye.origin)

    def close(self) -> None:
        """Wait for the picks under way, and end the thread."""
        if self._pool is not None:
            self._pool.shutdown()

    def _candidates(self, table: DrawTable, ray: Ray, origin: Doubles) -> list[_Candidate]:
        slots, entries = table.crossed(ray, origin, table.declaration.views.index(PICTURE_VIEW))
        objects = table.feature.object[table.blocks.rows.rows[slots]]
        batches = table.batches.take(table.blocks.blocks.rows["batch"][table.blocks.block_of.rows[slots]])
        axes = self._tableau.placement[objects, :3, :3].astype(np.float64)
        places = self._tableau.origin[objects] - origin
        mirrored = self._tableau.mirrored[objects]
        bent = [self._bones_of(int(one), origin) for one in objects]
        morphing = NO_MORPHS if self._morphs is None else self._morphs.now
        pipelines, cull = table.recipes.pipelines, table.declaration.state.cull
        return [
            _Candidate(
                entries[i],
                self._tableau.handle(int(objects[i])),
                table.feature.type_name,
                (int(batches["vertices"][i]), int(batches["indices"][i])),
                axes[i],
                places[i],
                CullMode.NONE if pipelines[batches["pipeline"][i]].double_sided else cull,
                bool(mirrored[i]),
                bent[i],
                morphing.of(int(objects[i])),
                cutout_of(table.recipes, batches[i]),
            )
            for i in range(len(slots))
        ]

    def _bones_of(self, row: int, origin: Doubles) -> Doubles | None:
        """Return the matrices [n, 4, 3] from the mesh of an object to the frame, by bone; None without."""
        bones = NO_BONES if self._skins is None else self._skins.bones
        first = int(bones.first_of(np.array([row]))[0])
        if first < 0:
            return None
        of = slice(first, first + int(bones.count[row]))
        world = self._tableau.world(bones.objects[of])
        world[:, 3, :3] -= origin
        moved: Doubles = (bones.binds[of] @ world)[:, :, :3]
        return moved

    def _first_hit(
        self, candidates: list[_Candidate], rays: tuple[Ray, Ray, Ray], origin: Doubles
    ) -> PickHit | None:
        """Return what the first ray hits first, of candidates in the order in which it enters their boxes."""
        ray, best, hit = rays[0], np.inf, None
        for one in candidates:
            if one.entry > best:
                break
            mesh, axes, place = self._mesh(one.mesh), one.axes, one.place
            if one.morph is not None:
                mesh = morphed_triangles(self._library, one.mesh[0], mesh, *one.morph)
            bent = None if one.bones is None else bent_triangles(self._library, one.mesh[0], mesh, one.bones)
            if bent is not None:
                mesh, axes, place = bent, np.eye(3), np.zeros(3)
            covers = None if one.cutout is None else self._covers(one.cutout, one.mesh[0], mesh, rays)
            distance, triangle = nearest_triangle(ray, mesh, axes, place, one.cull, one.mirrored, covers)
            if distance < best:
                best = distance
                x, y, z = (origin + ray.start + distance * ray.direction).tolist()
                hit = PickHit(one.handle, one.feature, triangle, (x, y, z), distance)
        return hit

    def _mesh(self, keys: tuple[int, int]) -> Triangles:
        found: Triangles = self._keep(keys, lambda: read_triangles(self._library, *keys))
        return found

    def _covers(self, cutout: Cutout, vertices: int, mesh: Triangles, rays: tuple[Ray, Ray, Ray]) -> Covers:
        """Return what says where a mesh with holes covers."""
        surface: SurfaceAlpha = self._keep((vertices,), lambda: read_surface_alpha(self._library, vertices))
        texture: TextureAlpha | None = None
        if cutout.texture is not None:
            ref = cutout.texture
            texture = self._keep((ref.key,), lambda: read_alpha(self._library, ref))
        return covers_where(cutout, texture, surface, mesh, rays)

    def _keep(self, keys: tuple[int, ...], read: Callable[[], Any]) -> Any:
        """Return what was read of these assets, or read it now; the least recently used is dropped."""
        found = self._kept.pop(keys) if keys in self._kept else read()
        self._kept[keys] = found
        while len(self._kept) > 1 and sum(one.size for one in self._kept.values() if one) > KEPT_BYTES:
            self._kept.popitem(last=False)
        return found


def pixel_ray(eye: Eye, size: tuple[int, int], x: int, y: int) -> Ray:
    """Return the ray through the middle of a pixel, from the near plane, in the space of the frame."""
    right, down = (x + 0.5) / size[0] * 2.0 - 1.0, (y + 0.5) / size[1] * 2.0 - 1.0
    back = np.linalg.inv(eye.matrix)
    near, behind, far = (np.array((right, down, depth, 1.0)) @ back for depth in (1.0, 0.5, 0.0))
    start = near[:3] / near[3]
    toward = behind[:3] / behind[3] - start
    is_endless = abs(far[3]) <= 1e-6 * abs(near[3])  # the far plane is at infinity, up to rounding
    length = np.inf if is_endless else float(np.linalg.norm(far[:3] / far[3] - start))
    return Ray(start, toward / np.linalg.norm(toward), length)


def _is_seen(table: DrawTable) -> bool:
    """Whether a pass draws into what is seen of the scene, in the view of the picture."""
    declaration = table.declaration
    if declaration.state.wireframe and declaration.depth is not None and not declaration.depth.write:
        return False  # lines over surfaces that another pass draws
    return PICTURE_VIEW in declaration.views and any(
        target.image.name == SCENE_COLOR.name for target in declaration.color
    )

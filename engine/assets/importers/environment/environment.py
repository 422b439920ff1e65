"""Imports an environment: a cube that is sharp in its finest level and ever rougher after it, and irradiance.

Level 0 of the cube is the picture, which is drawn as the sky. Level k of n shows what a surface of roughness
r reflects, with r * (2 - r) = k / (n - 1): the picture convolved with the GGX lobe around the mirrored
direction, seen head-on (B. Karis, "Real Shading in Unreal Engine 4", 2013). The convolution is a product of
spherical harmonics, so there are neither samples nor seams. A texel has 8 bytes, and a cube of 512 pixels a
side 16 MiB.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from engine.assets.cache.facts import EnvironmentFacts
from engine.assets.codes import AssetCode
from engine.assets.importers import Imported
from engine.assets.importers.environment.cube_levels import FACES, LEAST_SIDE, cube_levels
from engine.assets.importers.environment.cube_map import (
    Surroundings,
    face_directions,
    face_samples,
    faces_of_pictures,
    picture_directions,
    reduced,
)
from engine.assets.importers.environment.light import LARGEST, Light, light_error
from engine.assets.importers.environment.light_picture import read_light_pictures
from engine.assets.importers.environment.spherical_harmonics import (
    Complexes,
    Doubles,
    lobe,
    picture_of,
    row_angles,
    row_weights,
    transformed,
)
from engine.assets.limits import MAX_CUBE_SIDE

MOST_ROWS = 1024
"""Rows of the picture that is transformed."""

_LEAST_ROWS = 64
_COOK_BYTES = 384 << 20
"""Memory for the largest cube and its transform."""

_REACH = 16.0
"""Degrees beyond this, over twice the square of roughness, have no part in a lobe."""

_LEAST_DEGREE = 48
"""The last degree of wide lobes: at the horizon they have a bend."""


def level_roughness(level: int, levels: int) -> float:
    """Return the roughness whose reflections a level shows."""
    return float(1.0 - np.sqrt(1.0 - level / (levels - 1)))


def import_environment(
    files: Sequence[tuple[bytes, str]], take: Callable[[int], None] = lambda size: None
) -> Imported:
    """Import one equirectangular picture, or six faces in the order px nx py ny pz nz.

    One KTX 2 file may have all faces. `files` has the content of each with its name. `take` is called with
    the most bytes of memory that are needed. Raises InputError: `environment.faces`, and those of
    `read_light_pictures`.
    """
    read = [(picture, name) for data, name in files for picture in read_light_pictures(data, name, take)]
    pictures = [picture for picture, _ in read]
    lights = [picture.pixels for picture in pictures]
    if len(lights) not in (1, FACES):
        message = "the file has the six faces of a cube, and is one of several"
        hint = "`source` is one file, also one with all faces; `sources` are six of one face each"
        raise light_error(AssetCode.ENVIRONMENT_FACES, message, files[0][1], hint)
    _check_shapes(lights, [name for _, name in read])
    take(_COOK_BYTES)
    try:
        finest, around = _from_faces(lights) if len(lights) == FACES else _from_picture(lights[0])
        side, levels = finest.shape[1], cube_levels(finest.shape[1])
        coefficients = transformed(around, around.shape[0] // 2)
        chains = [[_texels(face)] for face in finest]
        for level in range(1, levels):
            for chain, face in zip(chains, _level(coefficients, side >> level, level, levels), strict=True):
                chain.append(_texels(face))
    except MemoryError as error:
        hint = "scale the picture down, or cook with fewer workers: `cook SCENE --jobs 1`"
        message = "there is no memory left for the environment"
        raise light_error(AssetCode.TEXTURE_MEMORY, message, files[0][1], hint) from error
    data = b"".join(texels for chain in chains for texels in chain)
    facts = EnvironmentFacts(side, levels, len(data), _irradiance(around))
    warnings = tuple(warning for picture in pictures for warning in picture.warnings)
    return Imported(data, facts, warnings)


def _check_shapes(lights: Sequence[Light], names: Sequence[str]) -> None:
    for light, name in zip(lights, names, strict=True):
        height, width = light.shape[:2]
        if len(lights) == 1 and width != 2 * height:
            message = f"the picture has {width} x {height} pixels and is not twice as wide as high"
            hint = "`source` is one equirectangular picture; `sources` are six faces: px nx py ny pz nz"
            raise light_error(AssetCode.ENVIRONMENT_FACES, message, name, hint)
        if len(lights) > 1 and (width != height or light.shape != lights[0].shape):
            message = f"the face has {width} x {height} pixels"
            message += (
                ""
                if width != height
                else f", and the first one {' x '.join(map(str, lights[0].shape[1::-1]))}"
            )
            raise light_error(AssetCode.ENVIRONMENT_FACES, message, name, "give six square faces of one size")


def _from_picture(picture: Light) -> tuple[Light, Light]:
    """Return the faces of the finest level, and the picture that is transformed."""
    picture = reduced(picture, 4 * MAX_CUBE_SIDE // 2, 4 * MAX_CUBE_SIDE)
    side = _side(-(-picture.shape[1] // 4))
    surroundings = Surroundings(picture)
    finest = np.stack([surroundings.linear(face_directions(face, side)) for face in range(FACES)])
    rows = min(MOST_ROWS, max(_LEAST_ROWS, len(picture) // 2 * 2))
    if len(picture) < rows:
        return finest, surroundings.linear(picture_directions(rows, 0, rows))
    return finest, reduced(picture, rows, 2 * rows)


def _from_faces(pictures: list[Light]) -> tuple[Light, Light]:
    """Return the faces of the finest level, and the picture that is transformed."""
    faces = faces_of_pictures(pictures)
    side = _side(faces.shape[1])
    if faces.shape[1] > side:
        faces = np.stack([reduced(face, side, side) for face in faces])
    finest = faces
    if faces.shape[1] < side:
        finest = np.stack([face_samples(faces, face_directions(face, side)) for face in range(FACES)])
    rows = min(MOST_ROWS, 2 * side)
    twice = face_samples(finest, picture_directions(2 * rows, 0, 2 * rows))
    return finest, reduced(twice, rows, 2 * rows)


def _side(least: int) -> int:
    """Return the pixels of a face: the next power of two."""
    return min(MAX_CUBE_SIDE, max(LEAST_SIDE, 1 << (least - 1).bit_length()))


def _level(coefficients: Complexes, side: int, level: int, levels: int) -> list[Light]:
    """Return the faces of one level, of `side` pixels."""
    factors = ggx_factors(level_roughness(level, levels), len(coefficients) - 1)
    degree = len(factors) - 1
    spread = coefficients[: degree + 1, : degree + 1] * factors[:, None, None]
    surroundings = Surroundings(picture_of(spread, max(LEAST_SIDE, 2 * (degree + 1))))
    return [surroundings.smooth(face_directions(face, side)) for face in range(FACES)]


def ggx_factors(roughness: float, most: int) -> Doubles:
    """Return the factor of each degree, up to `most` or where the rest is nothing, for what is reflected.

    Light from the angle a off the mirrored direction is weighted with D(a / 2) cos(a), as its half vector is
    a / 2 off the normal: B. Walter et al., "Microfacet Models for Refraction", 2007, for D. Where `most` cuts
    the series off, its last degrees are faded, so that nothing rings.
    """
    alpha = roughness * roughness
    edges = (np.arange(4097) / 4096) ** 3 * (np.pi / 2)
    angles, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    half = np.cos(angles / 2)
    density = np.cos(angles) / (half * half * (alpha * alpha - 1.0) + 1.0) ** 2
    degree = min(most, max(_LEAST_DEGREE, int(_REACH / (2.0 * alpha)) + 1))
    fade = np.exp(-36.0 * (np.arange(degree + 1) / degree) ** 16)
    return lobe(angles, density, widths, degree) * fade


def _texels(face: Light) -> bytes:
    """Return the bytes of a face: four 16-bit floats for each pixel, the last one 1."""
    texels: npt.NDArray[np.float16] = np.ones((*face.shape[:2], 4), "<f2")
    texels[..., :3] = np.clip(face, 0.0, LARGEST)
    return texels.tobytes()


def _irradiance(picture: npt.NDArray[np.floating]) -> tuple[tuple[float, float, float], ...]:
    """Return irradiance over pi as the factors of 1, y, z, x, xy, yz, 3z^2 - 1, xz, x^2 - y^2 of the normal.

    R. Ramamoorthi, P. Hanrahan, "An Efficient Representation for Irradiance Environment Maps", 2001.
    """
    rows = len(picture)
    sums = np.zeros((9, 3))
    weights = row_weights(rows) * (np.pi / rows)
    down, around = row_angles(rows), (np.arange(2 * rows) + 0.5) * (np.pi / rows) - np.pi
    for row in range(rows):
        sine, y = np.sin(down[row]), np.full(2 * rows, np.cos(down[row]))
        x, z = sine * np.sin(around), -sine * np.cos(around)
        basis = np.stack((np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y))
        sums += np.einsum("ni,ic->nc", basis, picture[row].astype(np.float64)) * weights[row]
    norms = np.array([1, 3, 3, 3, 15, 15, 5 / 4, 15, 15 / 4]) / (4 * np.pi)
    spread = np.array([1, 2 / 3, 2 / 3, 2 / 3, 1 / 4, 1 / 4, 1 / 4, 1 / 4, 1 / 4])
    factors = (sums * (norms * spread)[:, None]).astype(np.float32)
    return tuple((float(red), float(green), float(blue)) for red, green, blue in factors)

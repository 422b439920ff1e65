"""Environments: directions, transforms against sums, reflections, irradiance, records and cooking."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from support.cache_mutations import put_together, taken_apart
from support.ktx2_files import ktx
from support.lights import NONE, exr
from support.projects import Project

from engine.assets import AssetType, Environment, EnvironmentFacts, open_library
from engine.assets.cook import cook_database
from engine.assets.importers import Imported
from engine.assets.importers.environment.cube_levels import cube_bytes, cube_levels
from engine.assets.importers.environment.cube_map import (
    Surroundings,
    face_directions,
    face_samples,
    faces_of_pictures,
    picture_directions,
    reduced,
)
from engine.assets.importers.environment.environment import ggx_factors, import_environment, level_roughness
from engine.assets.importers.environment.spherical_harmonics import (
    picture_of,
    row_angles,
    row_weights,
    transformed,
)
from engine.humon import InputError
from engine.storage.radiance import radiance_bytes

Light = npt.NDArray[np.float32]
AXES = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], np.float32)


def smooth_sky(rows: int, seed: int = 3) -> Light:
    """Light that changes slowly in all directions, and is never 0."""
    rng = np.random.default_rng(seed)
    directions = picture_directions(rows, 0, rows).astype(float)
    made = np.full((rows, 2 * rows, 3), 2.0)
    for _ in range(4):
        axis, color = rng.normal(size=3), rng.random(3)
        made += np.exp(2 * directions @ (axis / np.linalg.norm(axis)))[..., None] * color
    return made.astype(np.float32)


def file_of(picture: Light) -> bytes:
    return exr({name: np.ascontiguousarray(picture[..., n]) for n, name in enumerate("RGB")}, NONE)


def cooked(*pictures: Light) -> Imported:
    return import_environment([(file_of(p), f"{n}.exr") for n, p in enumerate(pictures)])


def levels_of(imported: Imported) -> list[Light]:
    """The levels of a cube, float32[6, side, side, 3] each."""
    facts = imported.facts
    assert isinstance(facts, EnvironmentFacts)
    assert len(imported.data) == facts.size == cube_bytes(facts.side)
    faces = np.frombuffer(imported.data, "<f2").astype(np.float32).reshape(6, -1, 4)
    assert (faces[..., 3] == 1.0).all()
    found, at = [], 0
    for level in range(facts.mip_levels):
        side = facts.side >> level
        found.append(faces[:, at : at + side * side, :3].reshape(6, side, side, 3))
        at += side * side
    return found


def test_the_weights_of_rows_integrate_polynomials_exactly() -> None:
    cosine, weights = np.cos(row_angles(10)), row_weights(10)
    for power in range(10):
        assert (weights * cosine**power).sum() == pytest.approx(2 / (power + 1) if power % 2 == 0 else 0)


def test_a_picture_of_spherical_harmonics_is_transformed_to_them() -> None:
    rng, degree = np.random.default_rng(0), 20
    given = rng.normal(size=(21, 21, 3)) + 1j * rng.normal(size=(21, 21, 3))
    given[np.triu_indices(21, 1)] = 0.0
    given[:, 0] = given[:, 0].real
    picture = picture_of(given, 64)
    assert np.abs(transformed(picture, degree) - given).max() < 1e-12
    total = (picture**2 * (row_weights(64) * np.pi / 64)[:, None, None]).sum()
    squares = np.abs(given) ** 2
    assert total == pytest.approx(squares[:, 0].sum() + 2 * squares[:, 1:].sum())


@pytest.mark.parametrize("roughness", [0.3, 0.6, 1.0])
def test_a_lobe_spreads_light_as_the_sum_over_all_directions_does(roughness: float) -> None:
    rows = 64
    sky = smooth_sky(rows).astype(float)
    factors = ggx_factors(roughness, rows // 2)
    spread = transformed(sky, len(factors) - 1) * factors[:, None, None]
    found = picture_of(spread, rows)
    directions = picture_directions(rows, 0, rows).astype(float)
    area = np.sin(row_angles(rows))[:, None] * np.ones(2 * rows)
    alpha = roughness**2
    for row, column in ((3, 5), (31, 64), (60, 100)):
        cosine = np.clip(directions @ directions[row, column], -1, 1)
        half = (1 + cosine) / 2  # the square of the cosine of half the angle
        weight = np.where(cosine > 0, cosine, 0) / (half * (alpha**2 - 1) + 1) ** 2 * area
        expected = (sky * weight[..., None]).sum((0, 1)) / weight.sum()
        assert found[row, column] == pytest.approx(expected, rel=2e-2)


def test_the_directions_of_faces_are_those_that_a_cube_is_sampled_with() -> None:
    for face, axis in enumerate(AXES):
        directions = face_directions(face, 4)
        assert directions.mean(axis=(0, 1)) == pytest.approx(axis)
        assert (np.abs(directions).argmax(axis=-1) == np.abs(axis).argmax()).all()
    assert face_directions(4, 2)[0, 0].tolist() == [-0.5, 0.5, 1.0]  # +z: s is x, t is -y
    assert face_directions(5, 2)[0, 0].tolist() == [0.5, 0.5, -1.0]
    assert face_directions(0, 2)[0, 0].tolist() == [1.0, 0.5, 0.5]
    assert face_directions(2, 2)[0, 0].tolist() == [-0.5, 1.0, -0.5]


def test_the_middle_of_a_picture_is_ahead_and_its_right_is_x() -> None:
    found = picture_directions(64, 31, 33).mean(axis=0)
    assert found[63:65].mean(axis=0) == pytest.approx([0, 0, -1], abs=1e-3)
    assert found[95:97].mean(axis=0) == pytest.approx([1, 0, 0], abs=1e-3)
    assert picture_directions(64, 0, 1)[..., 1].min() > 0.99


@pytest.mark.parametrize("how", ["linear", "smooth"])
def test_a_picture_is_found_again_by_direction_everywhere(how: str) -> None:
    sky = smooth_sky(64)
    surroundings = Surroundings(sky)
    for rows in (64, 128):
        found = getattr(surroundings, how)(picture_directions(rows, 0, rows))
        assert np.abs(found / smooth_sky(rows) - 1).max() < (0.01 if how == "linear" else 0.002)


def test_faces_are_sampled_by_direction_as_a_cube_is() -> None:
    surroundings = Surroundings(smooth_sky(128))
    faces = np.stack([surroundings.linear(face_directions(face, 64)) for face in range(6)])
    found = face_samples(faces, picture_directions(64, 0, 64))
    assert np.abs(found / smooth_sky(64) - 1).max() < 0.03


def test_a_reduced_picture_has_the_means() -> None:
    picture = np.arange(5 * 10 * 3, dtype=np.float32).reshape(5, 10, 3)
    assert np.array_equal(reduced(picture, 5, 10), picture)
    assert reduced(picture, 1, 1)[0, 0] == pytest.approx(picture.mean(axis=(0, 1)))
    assert reduced(picture, 2, 10)[0] == pytest.approx(picture[:2].mean(axis=0))


def test_a_white_sky_is_white_at_every_roughness() -> None:
    imported = cooked(np.ones((32, 64, 3), np.float32))
    for level in levels_of(imported):
        assert np.abs(level - 1).max() <= 2**-11
    facts = imported.facts
    assert isinstance(facts, EnvironmentFacts)
    assert np.allclose(facts.irradiance, [[1.0] * 3] + [[0.0] * 3] * 8, atol=1e-6)


def test_levels_show_the_sky_ever_rougher() -> None:
    sky = smooth_sky(128)
    levels = levels_of(cooked(sky))
    assert [level.shape[1] for level in levels] == [64, 32, 16]
    directions = np.stack([face_directions(face, 64) for face in range(6)])
    assert np.abs(levels[0] / Surroundings(sky).linear(directions) - 1).max() < 2e-3
    assert level_roughness(0, 3) == 0.0
    assert level_roughness(2, 3) == 1.0
    for number in (1, 2):
        factors = ggx_factors(level_roughness(number, 3), 64)
        expected = Surroundings(picture_of(transformed(sky, len(factors) - 1) * factors[:, None, None], 128))
        some = np.stack([face_directions(face, 64 >> number) for face in range(6)])
        assert np.abs(levels[number] / expected.linear(some) - 1).max() < 3e-3
    contrast = [float(level.std()) for level in levels]
    assert contrast == sorted(contrast, reverse=True)


def test_a_bright_sun_leaves_no_rings_and_loses_no_light() -> None:
    sky = np.full((256, 512, 3), 0.5, np.float32)
    sky[60:62, 100:103] = 20_000.0
    weights = row_weights(256)[:, None, None] / (2 * 512)
    mean = float((sky[..., :1] * weights).sum())
    for level in levels_of(cooked(sky))[1:]:
        side = level.shape[1]
        directions = np.stack([face_directions(face, side) for face in range(6)])
        area = (directions**2).sum(axis=-1) ** -1.5
        assert (level[..., 0] * area).sum() / area.sum() == pytest.approx(mean, rel=0.05)
        assert level.min() > 0.45


def test_irradiance_is_that_of_the_sum_over_all_directions() -> None:
    sky = smooth_sky(64)
    facts = cooked(sky).facts
    assert isinstance(facts, EnvironmentFacts)
    directions = picture_directions(64, 0, 64).astype(float)
    area = (row_weights(64) * np.pi / 64)[:, None]
    for n in (*AXES.astype(float), np.array([0.6, 0.48, 0.64])):
        x, y, z = n
        basis = np.array([1, y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y])
        found = basis @ np.array(facts.irradiance)
        expected = (sky * (np.maximum(directions @ n, 0) * area)[..., None]).sum((0, 1)) / np.pi
        assert found == pytest.approx(expected, rel=0.01)


def coloured_faces(size: int) -> list[Light]:
    """The faces px nx py ny pz nz as files: each of a colour of its own, brighter at the top left."""
    made = []
    for number in range(6):
        face = np.full((size, size, 3), 1.0 + number, np.float32)
        face[: size // 2, : size // 2] *= 10
        made.append(face)
    return made


def test_faces_are_seen_unmirrored_with_pz_ahead() -> None:
    faces = faces_of_pictures(coloured_faces(8))

    def seen(direction: tuple[float, float, float]) -> float:
        return float(face_samples(faces, np.array(direction, np.float32))[0])

    ahead, left, above = (0.0, 0.0, -1.0), (-0.5, 0.0, 0.0), (0.0, 0.5, 0.0)
    corner = np.add(np.add(ahead, left), above)
    assert seen(corner) == 50.0
    assert seen(tuple(np.multiply(corner, (-1, 1, 1)))) == 5.0
    assert seen((1.0, 0.5, -0.5)) == 10.0  # px, to the right: its left is where pz is
    assert seen((-1.0, 0.5, 0.5)) == 20.0  # nx: its left is behind
    assert seen((-0.5, 1.0, 0.5)) == 30.0  # py: its lower edge is that of pz
    assert seen((-0.5, -1.0, -0.5)) == 40.0  # ny: its upper edge is that of pz
    assert seen((0.5, 0.5, 1.0)) == 60.0  # nz, behind


def test_six_faces_are_the_finest_level() -> None:
    given = coloured_faces(64)
    levels = levels_of(cooked(*given))
    assert np.array_equal(levels[0], faces_of_pictures(given))
    assert [level.shape[1] for level in levels_of(cooked(*coloured_faces(5)))] == [64, 32, 16]


def half_texels(picture: Light) -> bytes:
    """RGBA of 16-bit floats."""
    return np.concatenate((picture, np.ones_like(picture[..., :1])), axis=-1).astype("<f2").tobytes()


@pytest.mark.parametrize("scheme", [0, 2, 3])
def test_a_ktx2_file_is_the_light_that_it_holds(scheme: int) -> None:
    given = smooth_sky(32).astype(np.float16).astype(np.float32)
    file = ktx(97, [half_texels(given)], 64, 32, scheme)
    assert bytes(import_environment([(file, "sky.ktx2")]).data) == bytes(cooked(given).data)
    turned = ktx(97, [half_texels(given[::-1])], 64, 32, scheme, metadata={"KTXorientation": "ru"})
    assert bytes(import_environment([(turned, "sky.ktx2")]).data) == bytes(cooked(given).data)


def test_colours_of_a_ktx2_sky_are_srgb_as_those_of_a_png() -> None:
    texels = np.random.default_rng(6).integers(0, 256, (32, 64, 4), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(texels).save(stream, "PNG")
    by_png = import_environment([(stream.getvalue(), "sky.png")])
    for number, stored in ((37, texels), (43, texels), (44, texels[..., [2, 1, 0, 3]])):
        by_ktx = import_environment([(ktx(number, [stored.tobytes()], 64, 32), "sky.ktx2")])
        assert bytes(by_ktx.data) == bytes(by_png.data)


@pytest.mark.parametrize("scheme", [0, 2])
def test_a_ktx2_file_with_six_faces_is_a_cube(scheme: int) -> None:
    given = coloured_faces(64)
    levels = [b"".join(half_texels(face[::step, ::step]) for face in given) for step in (1, 2)]
    file = ktx(97, levels, 64, 64, scheme, faces=6)
    found = import_environment([(file, "sky.ktx2")])
    assert bytes(found.data) == bytes(cooked(*given).data)
    assert np.array_equal(levels_of(found)[0], faces_of_pictures(given))


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ([ktx(0, [b""], 4, 4, faces=6)], "texture.format"),
        ([ktx(97, [bytes(4 * 4 * 8 * 5)], 4, 4, faces=6)], "texture.decode"),
        ([ktx(97, [bytes(4 * 4 * 8 * 6)], 4, 4, 2, faces=6)[:-9]], "texture.decode"),
        ([ktx(97, [bytes(4 * 8 * 8 * 6)], 8, 4, faces=6)], "environment.faces"),
        ([ktx(97, [bytes(4 * 4 * 8 * 3)], 4, 4, faces=3)], "texture.decode"),
        ([ktx(97, [bytes(4 * 4 * 8 * 6)], 4, 4, faces=6)] * 6, "environment.faces"),
        ([ktx(97, [bytes(4 * 4 * 8)], 4, 4)], "environment.faces"),
        ([ktx(97, [b""], 60_000, 30_000)], "texture.size"),
        ([ktx(157, [bytes(16)], 4, 4)], "texture.format"),
    ],
)
def test_a_ktx2_file_that_is_no_environment_is_refused(files: list[bytes], code: str) -> None:
    with pytest.raises(InputError) as caught:
        import_environment([(file, "sky.ktx2") for file in files])
    (problem,) = caught.value.problems
    assert (problem.code, str(problem.position)) == (code, "sky.ktx2")
    assert problem.help


def test_a_large_picture_is_reduced_to_the_largest_cube(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.assets.importers.environment.environment.MAX_CUBE_SIDE", 128)
    assert levels_of(cooked(np.ones((288, 576, 3), np.float32)))[0].shape[1] == 128


@pytest.mark.proof(short=True)
def test_the_largest_cube_has_1024_texels_a_side() -> None:
    assert levels_of(cooked(np.ones((2304, 4608, 3), np.float32)))[0].shape[1] == 1024
    assert cube_levels(1024) == 7
    assert cube_bytes(1024) == 67_104_768


def test_the_same_picture_is_cooked_to_the_same_bytes_on_any_number_of_threads(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("assets/sky.hdr", radiance_bytes(smooth_sky(32)))
    db = project.db(DB.format("{ @type: environment  name: sky  source: ../assets/sky.hdr }"))
    found = []
    for jobs in (1, 3):
        cooked_db = cook_database(db, jobs=jobs, cache_root=tmp_path / str(jobs))
        found.append(cooked_db.image.read(cooked_db.entries[0]))
        cooked_db.image.close()
    assert found[0] == found[1]
    assert found[0] == bytes(import_environment([(radiance_bytes(smooth_sky(32)), "")]).data)


DB = "assetDb: {{ name: db  assets: [ {} ] }}"
SIX = "{ @type: environment  name: sky  sources: [px.png nx.png py.png ny.png pz.png nz.png] }"


def png(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), 200, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def with_faces(project: Project, *sizes: tuple[int, int]) -> None:
    for name, (width, height) in zip(("px", "nx", "py", "ny", "pz", "nz"), sizes, strict=True):
        project.write(f"scenes/{name}.png", png(width, height))


def test_a_record_has_one_picture_or_six_faces(tmp_path: Path) -> None:
    project = Project(tmp_path)
    with_faces(project, *[(4, 4)] * 6)
    (sky,) = project.db(DB.format(SIX)).assets
    assert isinstance(sky, Environment)
    assert [path.name for path in sky.sources] == ["px.png", "nx.png", "py.png", "ny.png", "pz.png", "nz.png"]
    with open_library([project.db(DB.format(SIX))]) as library:
        assert not library.problems
        facts = library.facts(sky.ref)
        assert isinstance(facts, EnvironmentFacts)
        assert library.source(sky.ref).size == facts.size == cube_bytes(64)
    with open_library([project.db(DB.format(SIX))]) as library:
        assert library.cooked == 0


def test_a_changed_face_is_cooked_again(tmp_path: Path) -> None:
    project = Project(tmp_path)
    with_faces(project, *[(4, 4)] * 6)
    db = project.db(DB.format(SIX))
    open_library([db]).close()
    project.write("scenes/nz.png", png(8, 8)[:-1] + b"x")
    with open_library([db]) as library:
        assert library.cooked == 1


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("{ @type: environment  sources: [a.png b.png c.png] }", "environment.faces", "6 faces, not 3"),
        ("{ @type: environment  sources: [] }", "environment.faces", "6 faces, not 0"),
        ("{ @type: environment  source: a.hdr  sources: [] }", "asset.field", "one picture or six"),
        ("{ @type: environment }", "value.missing", "source"),
        ("{ @type: environment  source: ../../a.hdr }", "file.outside", ""),
        ("{ @type: environment  source: a.hdr  format: bc7 }", "asset.field", "format"),
    ],
)
def test_a_wrong_record_is_refused_at_its_place(tmp_path: Path, text: str, code: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Project(tmp_path).db(DB.format(text))
    (problem,) = caught.value.problems
    assert problem.code == code
    assert message in problem.message + problem.help
    assert problem.position is not None
    assert problem.position.line == 1


def broken(project: Project, text: str) -> tuple[str, str]:
    """Message and hint of the one warning for a database with a broken environment, which is replaced."""
    db = project.db(DB.format(text))
    with open_library([db]) as library:
        (problem,) = library.problems
        assert problem.code == "asset.broken"
        assert problem.position is not None
        assert (problem.position.file, problem.position.line) == ("scenes/db.hu", 1)
        assert library.usable(db.assets[0].ref) == library.placeholder(AssetType.ENVIRONMENT)
        assert isinstance(library.facts(db.assets[0].ref), EnvironmentFacts)
        return problem.message, problem.help


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([(4, 4)] * 5 + [(4, 8)], "nz.png: the face has 4 x 8 pixels"),
        (
            [(4, 4)] * 2 + [(8, 8)] + [(4, 4)] * 3,
            "py.png: the face has 8 x 8 pixels, and the first one 4 x 4",
        ),
    ],
)
def test_faces_that_are_not_square_or_not_of_one_size_are_replaced(
    tmp_path: Path, sizes: list[tuple[int, int]], message: str
) -> None:
    project = Project(tmp_path)
    with_faces(project, *sizes)
    found, hint = broken(project, SIX)
    assert message in found
    assert hint == "give six square faces of one size"


def test_pictures_that_cannot_be_used_are_replaced_with_a_hint(tmp_path: Path) -> None:
    project = Project(tmp_path)
    text = "{ @type: environment  name: sky  source: sky.hdr }"
    whole = radiance_bytes(smooth_sky(16))
    for content, message in (
        (whole[: len(whole) // 2], "ends"),
        (png(4, 4), "4 x 4 pixels and is not twice as wide as high"),
        (b"II*\0", "neither Radiance HDR, OpenEXR, KTX 2 nor PNG"),
    ):
        project.write("scenes/sky.hdr", content)
        found, hint = broken(project, text)
        assert found.startswith("environment 'sky' is broken and replaced")
        assert message in found
        assert hint


def test_pixels_that_are_no_light_are_a_warning_at_the_environment(tmp_path: Path) -> None:
    project = Project(tmp_path)
    sky = smooth_sky(16)
    sky[3, 4] = -1.0
    project.write("scenes/sky.exr", file_of(sky))
    for _ in range(2):  # cooked, then from the cache
        db = project.db(DB.format("{ @type: environment  name: sky  source: sky.exr }"))
        with open_library([db]) as library:
            (problem,) = library.problems
            assert problem.code == "environment.values"
            assert problem.message.startswith("environment 'sky': a pixel is no light")
            assert "column 4, row 3" in problem.message
            assert problem.position is not None
            assert problem.position.line == 1
            assert library.usable(db.assets[0].ref) == db.assets[0].ref


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row["facts"].update(side=32),
        lambda row: row["facts"].update(side=65),
        lambda row: row["facts"].update(mip_levels=2),
        lambda row: row["facts"].update(size=7),
        lambda row: row["facts"].update(irradiance=row["facts"]["irradiance"][:8]),
        lambda row: row["facts"]["irradiance"][0].append(1.0),
        lambda row: row["sources"].reverse(),
        lambda row: row["sources"].pop(),
    ],
)
def test_a_cache_that_says_something_else_of_an_environment_is_a_miss(
    tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    project = Project(tmp_path)
    with_faces(project, *[(4, 4)] * 6)
    db = project.db(DB.format(SIX))
    with open_library([db]) as library:
        facts = library.facts(db.assets[0].ref)
    rows, data = taken_apart(db.cache_file.read_bytes())
    change(rows[0])
    db.cache_file.write_bytes(put_together(rows, data))
    with open_library([db]) as library:
        assert library.cooked == 1
        assert library.facts(db.assets[0].ref) == facts

"""Runs recipes: reads each mesh source once, imports all its parts, and returns entries and bytes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from engine.assets.cache.cache import SourceStamp
from engine.assets.cache.kept_results import Keep
from engine.assets.cache.results import Result, failed, made, rejected, unreadable
from engine.assets.cache.stamps import source_stamp, unread_stamps
from engine.assets.files import FileGate, FileRejectedError
from engine.assets.importers.animation import import_animation
from engine.assets.importers.blocks.coder import BlockCoders
from engine.assets.importers.environment.environment import import_environment
from engine.assets.importers.memory_budget import MemoryBudget, Take
from engine.assets.importers.mesh import (
    IndexSettings,
    VertexSettings,
    pack_indices,
    pack_skeleton,
    pack_vertices,
)
from engine.assets.importers.mesh_source import MeshSource, read_mesh_source
from engine.assets.importers.models.model_files import ModelFiles
from engine.assets.importers.models.parts import (
    INDEX_SETTINGS,
    VERTEX_SETTINGS,
    import_parts,
    texture_settings,
)
from engine.assets.importers.morph.packing import pack_targets
from engine.assets.importers.shader import import_glsl, import_spirv
from engine.assets.importers.shader_source import ShaderSource, expand
from engine.assets.importers.texture import import_texture
from engine.assets.limits import COOK_BYTES, MAX_SHADER_BYTES, MAX_SOURCE_BYTES
from engine.assets.recipes import Recipe
from engine.assets.records import AssetType
from engine.assets.roots import display_path
from engine.assets.tools.kept_compiler import KeptCompiler
from engine.assets.tools.tool_process import RunningTools
from engine.humon import InputError, Problem, parse

_MESH_FACTOR = 16
"""Bytes of memory for each byte of a mesh source while it is read; 10 to 15 were measured."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Recipes of one source that are imported together."""

    source: Path
    recipes: tuple[Recipe, ...]


def import_recipes(
    recipes: Sequence[Recipe],
    gate: FileGate,
    tool: str,
    jobs: int,
    progress: Callable[[int, int, str], None] | None,
    keep: Keep,
    compiler: KeptCompiler | None = None,
    wanted_whole: Collection[str] = (),
) -> dict[str, Result]:
    """Import recipes on `jobs` threads and return the results by identity; `keep` takes over their bytes.

    `compiler` compiles their shaders, without one a program for each. Of parts of models, those with the
    identities `wanted_whole` fail for a wrong value that another one is taken for else.

    Threads suffice: decoders and numpy release the interpreter lock, and the compiler is another process.
    What they read, decode and have not handed over yet is limited to COOK_BYTES.
    """
    report = progress or (lambda done, total, label: None)
    done = 0
    report(done, len(recipes), "")
    results: dict[str, Result] = {}
    tools, coders = RunningTools(), BlockCoders()
    budget, files = MemoryBudget(COOK_BYTES), ModelFiles(gate)

    def begin() -> None:
        tools.use()
        coders.use()
        if compiler is not None:
            compiler.use()

    pool = ThreadPoolExecutor(jobs, "cook", begin)
    futures: dict[Future[list[Result]], Batch] = {}
    try:
        for batch in batches(recipes):
            futures[pool.submit(run_batch, batch, gate, tool, budget, keep, files, wanted_whole)] = batch
        for future in as_completed(futures):
            batch = futures.pop(future)
            for recipe, result in zip(batch.recipes, future.result(), strict=True):
                results[recipe.identity] = result
            done += len(batch.recipes)
            report(done, len(recipes), batch.recipes[-1].asset.label)
    except BaseException:
        # Compilers are stopped and their folders removed; a decoder holds nothing and is not waited for.
        tools.stop()
        coders.stop()
        budget.stop()
        pool.shutdown(wait=False, cancel_futures=True)
        tools.wait()
        raise
    pool.shutdown()
    coders.close()
    return results


def batches(recipes: Iterable[Recipe]) -> list[Batch]:
    """Group the recipes of each mesh source or part of one, in order of appearance; others are single."""
    groups: dict[object, list[Recipe]] = defaultdict(list)
    mesh_parts = (AssetType.VERTICES, AssetType.INDICES, AssetType.SKELETON, AssetType.MORPH_TARGETS)
    for recipe in recipes:
        is_mesh = recipe.asset.type in mesh_parts
        groups[(recipe.source, recipe.part) if is_mesh else recipe.identity].append(recipe)
    return [Batch(group[0].source, tuple(group)) for group in groups.values()]


def run_batch(
    batch: Batch,
    gate: FileGate,
    tool: str,
    budget: MemoryBudget,
    keep: Keep,
    files: ModelFiles,
    wanted_whole: Collection[str] = (),
) -> list[Result]:
    """Import the recipes of a batch. Problems of a source are in the results and never raised.

    `files` are the model files that are open.
    """
    with budget.worker() as take:
        results = _run(batch, gate, tool, take, files, wanted_whole)
        for place, result in enumerate(results):
            results[place] = replace(result, data=b"", pieces=keep(result.data))
    return results


def _run(
    batch: Batch, gate: FileGate, tool: str, take: Take, files: ModelFiles, wanted_whole: Collection[str]
) -> list[Result]:
    kind = batch.recipes[0].asset.type
    if kind is AssetType.SHADER:
        return [_shader(recipe, gate, tool) for recipe in batch.recipes]
    if batch.recipes[0].part:
        return import_parts(batch.recipes, gate, take, files, wanted_whole)
    if kind is AssetType.ENVIRONMENT:
        return [_environment(recipe, gate, take) for recipe in batch.recipes]
    if kind is AssetType.ANIMATION:
        return [_animation(recipe, gate, take) for recipe in batch.recipes]
    return _from_file(batch, gate, take)


def _from_file(batch: Batch, gate: FileGate, take: Take) -> list[Result]:
    """Import recipes of a source that is one file."""
    is_texture = batch.recipes[0].asset.type is AssetType.TEXTURE2D
    try:
        size = gate.stamp(batch.source).size
        take(min(size, MAX_SOURCE_BYTES) * (1 if is_texture else _MESH_FACTOR))
        content, stamp = gate.read(batch.source)
    except FileRejectedError as error:
        return [rejected(recipe, error, gate, "") for recipe in batch.recipes]
    stamps = (source_stamp(gate.relative(batch.source), content, stamp),)
    name = display_path(batch.source)
    if is_texture:
        return [_texture(recipe, content, name, gate, stamps, take) for recipe in batch.recipes]
    try:
        source = read_mesh_source(parse(content, name))
    except InputError as error:
        return [failed(recipe, error.problems, gate, stamps) for recipe in batch.recipes]
    return [_mesh_part(recipe, source, gate, stamps) for recipe in batch.recipes]


def _texture(
    recipe: Recipe,
    content: bytes,
    name: str,
    gate: FileGate,
    stamps: tuple[SourceStamp, ...],
    take: Take,
) -> Result:
    try:
        return made(recipe, import_texture(content, name, texture_settings(recipe), take), gate, stamps)
    except InputError as error:
        return failed(recipe, error.problems, gate, stamps)


def _environment(recipe: Recipe, gate: FileGate, take: Take) -> Result:
    try:
        files, stamps = _all_files(recipe, gate, take, 1)
    except InputError as error:
        return failed(recipe, error.problems, gate, ())
    try:
        named = [(content, display_path(path)) for path, content in files]
        return made(recipe, import_environment(named, take), gate, stamps)
    except InputError as error:
        return failed(recipe, error.problems, gate, stamps)


def _animation(recipe: Recipe, gate: FileGate, take: Take) -> Result:
    try:
        files, stamps = _all_files(recipe, gate, take, _MESH_FACTOR)
    except InputError as error:
        return failed(recipe, error.problems, gate, ())
    try:
        document = parse(files[0][1], display_path(recipe.source))
        return made(recipe, import_animation(document, *(content for _, content in files[1:])), gate, stamps)
    except InputError as error:
        return failed(recipe, error.problems, gate, stamps)


def _all_files(
    recipe: Recipe, gate: FileGate, take: Take, factor: int
) -> tuple[list[tuple[Path, bytes]], tuple[SourceStamp, ...]]:
    """Return the files of a recipe with their contents, and their stamps.

    Each takes `factor` times its size. Raises InputError with a problem for each that cannot be read.
    """
    files: list[tuple[Path, bytes]] = []
    stamps: list[SourceStamp] = []
    problems: list[Problem] = []
    for path in (recipe.source, *recipe.more):
        try:
            take(min(gate.stamp(path).size, MAX_SOURCE_BYTES) * factor)
            content, stamp = gate.read(path)
        except FileRejectedError as error:
            problems.append(unreadable(path, error))
        else:
            files.append((Path(path), content))
            stamps.append(source_stamp(gate.relative(path), content, stamp))
    if problems:
        raise InputError(problems)
    return files, tuple(stamps)


def _mesh_part(recipe: Recipe, source: MeshSource, gate: FileGate, stamps: tuple[SourceStamp, ...]) -> Result:
    parameters = recipe.parameters
    try:
        if recipe.asset.type is AssetType.SKELETON:
            imported = pack_skeleton(source)
        elif recipe.asset.type is AssetType.MORPH_TARGETS:
            imported = pack_targets(source)
        elif recipe.asset.type is AssetType.INDICES:
            settings = IndexSettings(*(parameters[name] for name in INDEX_SETTINGS))
            imported = pack_indices(source, settings)
        else:
            values = (parameters[name] for name in VERTEX_SETTINGS)
            imported = pack_vertices(source, VertexSettings(*values))
        return made(recipe, imported, gate, stamps)
    except InputError as error:
        return failed(recipe, error.problems, gate, stamps)


def _shader(recipe: Recipe, gate: FileGate, tool: str) -> Result:
    stage, entry_point = recipe.parameters["stage"], recipe.parameters["entry_point"]
    source = ShaderSource()
    try:
        if recipe.source.suffix == ".spv":
            content, stamp = gate.read(recipe.source, MAX_SHADER_BYTES)
            source = ShaderSource(
                files=[recipe.source], contents=[content], stamps=[stamp], named={recipe.source: 0}
            )
        else:
            gate.stamp(recipe.source)
            expand(recipe.source, gate, source)
        make = import_spirv if recipe.source.suffix == ".spv" else import_glsl
        return made(recipe, make(source, stage, entry_point), gate, _stamps(source, gate), tool)
    except FileRejectedError as error:
        return rejected(recipe, error, gate, tool)
    except InputError as error:
        stamps = *_stamps(source, gate), *unread_stamps(source.unread, gate)
        return failed(recipe, error.problems, gate, stamps, tool)


def _stamps(source: ShaderSource, gate: FileGate) -> tuple[SourceStamp, ...]:
    """Return the stamps of the files of a shader that were read."""
    return tuple(
        source_stamp(gate.relative(path), source.contents[which], source.stamps[which])
        for path, which in source.named.items()
    )

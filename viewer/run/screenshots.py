"""Pictures of the scene on command: as shown, larger, with its coverage as alpha, or as light."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.cli.exits import explain
from engine.graph import BACKGROUND, PICTURE, SCENE_COLOR
from engine.humon import InputError
from engine.plan.terms.errors import PlanError
from engine.runtime.runtime import Runtime
from engine.vk.errors import OutOfDeviceMemory
from viewer.numbered_files import free_path
from viewer.run.output_files import save_light, save_picture
from viewer.session.commands import Command
from viewer.session.session import Session

LARGER = 4


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of picture: how many times as large as shown, whether with alpha, whether as light in floats."""

    title: str
    keys: tuple[str, ...] = ()
    scale: int = 1
    alpha: bool = False
    is_light: bool = False

    @property
    def is_as_shown(self) -> bool:
        """Whether it is the picture that is shown, for which nothing has to be planned."""
        return self.scale == 1 and not (self.alpha or self.is_light)


KINDS = (
    Kind("Screenshot", ("F12",)),
    Kind(f"Screenshot, {LARGER} x larger", ("Shift+F12",), scale=LARGER),
    Kind("Screenshot with alpha", ("Ctrl+F12",), alpha=True),
    Kind(f"Screenshot with alpha, {LARGER} x larger", scale=LARGER, alpha=True),
    Kind("Screenshot of the light (EXR)", is_light=True),
)


class Screenshots:
    """Takes pictures between frames, and writes them on a thread. Close it.

    A picture of another size is drawn for itself, without being shown.
    """

    def __init__(self, session: Session, folder: Callable[[], Path] = Path.cwd) -> None:
        """Pictures go to `folder`, under names that no file has."""
        self._session = session
        self._folder = folder
        self._wanted: Kind | None = None
        self._writing: list[tuple[Path, Future[None]]] = []
        self._pool: ThreadPoolExecutor | None = None
        session.commands.add(
            *(
                Command(kind.title, "File", self._wish(kind), kind.keys, self._can_take(kind))
                for kind in KINDS
            )
        )

    def take(self) -> None:
        """Take the picture that was wished for, if any.

        Notices what was written since the last call. Call it between frames.
        """
        self._note_written()
        kind, self._wanted = self._wanted, None
        if kind is None or not self._can_take(kind)():
            return
        runtime, session = self._session.runtime, self._session
        try:
            pixels, light = _draw(runtime, kind)
        except (PlanError, OutOfDeviceMemory) as error:
            reported = explain(error)
            session.report(f"{reported[1] if reported else error}\nthe screenshot was not taken")
            return
        path = self._free_path(".exr" if kind.is_light else ".png")
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "screenshots")
        if kind.is_light:
            assert light is not None
            write = self._pool.submit(save_light, path, light)
        else:
            picture = pixels if light is None else with_alpha(pixels, light[..., 3], _background(runtime))
            write = self._pool.submit(save_picture, path, picture, alpha=kind.alpha)
        self._writing.append((path, write))

    def close(self) -> None:
        """Wait until all pictures are written."""
        if self._pool is not None:
            self._pool.shutdown()
        self._note_written()

    def _wish(self, kind: Kind) -> Callable[[], None]:
        def wish() -> None:
            self._wanted = kind
            self._session.wake()

        return wish

    def _can_take(self, kind: Kind) -> Callable[[], bool]:
        """Whether a picture can be taken now: none that is planned for itself while plans are held."""
        runtime = self._session.runtime
        return lambda: runtime.plan is not None and (kind.is_as_shown or not runtime.hold.is_on)

    def _free_path(self, ending: str) -> Path:
        """Return the first numbered name that neither a file nor a picture under way has."""
        base = self._folder() / self._session.runtime.scene.path.stem
        return free_path(base, ending, taken={path for path, _ in self._writing}, always=True)

    def _note_written(self) -> None:
        for path, write in [each for each in self._writing if each[1].done()]:
            self._writing.remove((path, write))
            error = write.exception()
            if error is None:
                self._session.notices.say(f"written: {path}")
            elif isinstance(error, InputError):
                for problem in error.problems:
                    self._session.report(problem)
            else:
                self._session.report(f"error[output.write]: cannot write {path}: {error}")
            self._session.wake(1.0)
        if self._writing:
            self._session.wake()


def _draw(runtime: Runtime, kind: Kind) -> tuple[NDArray[np.uint8], NDArray[np.float16] | None]:
    """Return the picture of the kind, and the light if it is needed; the runtime is then as it was."""
    size, points = runtime.size, runtime.content_scale
    needs_light = kind.alpha or kind.is_light
    if kind.is_as_shown and runtime.renderer.ready:
        return runtime.read_pixels(PICTURE), None
    try:
        if needs_light:
            runtime.planner.watch(frozenset({SCENE_COLOR.name}))
        runtime.resize(size[0] * kind.scale, size[1] * kind.scale)
        runtime.content_scale = points * kind.scale
        runtime.load()
        runtime.settle()
        pixels = runtime.read_pixels(PICTURE)
        return pixels, _light(runtime, pixels.shape[:2]) if needs_light else None
    finally:
        runtime.resize(*size)
        runtime.content_scale = points
        runtime.planner.watch(frozenset())


def _light(runtime: Runtime, size: tuple[int, ...]) -> NDArray[np.float16]:
    """The light of the scene, float16[height, width, 4]; there is none where nothing is drawn."""
    graph = runtime.renderer.graph
    if graph is None or all(life.image.name != SCENE_COLOR.name for life in graph.images):
        return np.zeros((*size, 4), np.float16)
    return np.asarray(runtime.read_pixels(SCENE_COLOR), np.float16)


def _background(runtime: Runtime) -> NDArray[np.float64]:
    """The colour behind the scene, linear."""
    table = runtime.tableau.tables.get("camera")
    if table is None or not len(table.rows_enabled()):
        return np.array(BACKGROUND[:3], np.float64)
    return np.asarray(table.column("background")[table.rows_enabled()[0]], np.float64)[:3]


def with_alpha(
    picture: NDArray[np.uint8], coverage: NDArray[np.floating], background: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Return a picture with its coverage as straight alpha, and without the background that it was laid over.

    `picture` is uint8[height, width, 4] in sRGB, `coverage` [height, width] from 0 to 1, `background` linear.
    """
    alpha = np.clip(np.nan_to_num(coverage.astype(np.float32)), 0.0, 1.0)[..., None]
    levels = np.arange(256, dtype=np.float32) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)[picture[..., :3]]
    own = (linear - (1.0 - alpha) * background.astype(np.float32)) / np.maximum(alpha, 1e-4)
    own = np.clip(np.where(alpha > 0, own, 0.0), 0.0, 1.0)
    encoded = np.where(own <= 0.0031308, own * 12.92, 1.055 * own ** (1 / 2.4) - 0.055)
    found = np.concatenate((encoded, alpha), axis=2)
    return np.asarray(np.round(found * 255), np.uint8)

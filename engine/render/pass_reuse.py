"""Which passes the next frame leaves out, as nothing has changed in what they draw from."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engine.assets.spirv.member_use import used_members
from engine.assets.spirv.reflection import FRAME_BLOCK
from engine.graph import CompiledGraph, reusable, without
from engine.planning.draw.blocks import Block
from engine.planning.draw.drawing import PassDrawing, material_table_name
from engine.planning.draw.shading import ShaderSet
from engine.planning.frame_passes import MAX_GRAPHS
from engine.planning.needs import FrameNeeds
from engine.render.rings import RingWriter

WHOLE: frozenset[str] = frozenset()
"""What a whole frame leaves out."""
_NO_GRAPH = CompiledGraph((), (), (), ())


@dataclass(eq=False)
class _Group:
    """Passes that are left out together, and the names of the rings that they read.

    Of rings with Frame blocks `frames` has the bytes that count, bool[n], as passes use a few of all members.
    `drawn` is what they followed from when they were drawn the last time, None where they must be drawn.
    """

    passes: frozenset[str]
    rings: tuple[str, ...]
    frames: Mapping[str, npt.NDArray[np.bool_]]
    moves: int = 0
    drawn: tuple[object, ...] | None = None


@dataclass(frozen=True, eq=False)
class _Reusable:
    """Passes of a graph that can be left out, where some images share memory, and frames without them."""

    graph: CompiledGraph
    aliased: Set[str]
    groups: Sequence[frozenset[str]]
    frames: dict[frozenset[str], CompiledGraph] = field(default_factory=dict)


class PassReuse:
    """Compares what groups of passes draw from with what they were drawn from the last time.

    `left_out` are the names of the passes that the last frame left out.
    """

    def __init__(self, code: Callable[[int], bytes]) -> None:
        """`code` returns the SPIR-V of a shader by its key."""
        self._code = code
        self.left_out = WHOLE
        self._known: deque[_Reusable] = deque(maxlen=MAX_GRAPHS)
        self._graph = _Reusable(_NO_GRAPH, WHOLE, ())
        self._groups: list[_Group] | None = None
        self._begun: list[tuple[_Group, tuple[object, ...]]] = []

    def forget(self) -> None:
        """Draw all passes in the next frame: what is recorded has changed, or images are new."""
        self._groups = None
        self._begun = []

    def prepare(self, needs: FrameNeeds) -> None:
        """Read which members of Frame blocks the shaders of passes use that may be left out."""
        for passes in reusable(needs.graph, WHOLE):
            self._frame_bytes(needs, passes)

    def note_moved(self, is_drawn: Callable[[str], bool]) -> None:
        """Draw the passes again for which `is_drawn` says by name that objects have moved which they draw."""
        for group in self._groups or ():
            if any(map(is_drawn, group.passes)):
                group.moves += 1

    def begin(
        self, needs: FrameNeeds, rings: Mapping[str, RingWriter], is_aliased: Callable[[str], bool]
    ) -> frozenset[str]:
        """Return the names of the passes that a frame leaves out, whose rings have the values of that frame.

        `is_aliased` says of images by name whether they share memory with others.
        """
        if self._groups is None:
            self._graph = self._reusable(needs.graph, is_aliased)
            self._groups = [
                _Group(passes, tuple(_rings(needs, passes)), self._frame_bytes(needs, passes))
                for passes in self._graph.groups
            ]
        now = [(group, _versions(group, rings)) for group in self._groups]
        self._begun = [(group, versions) for group, versions in now if group.drawn != versions]
        self.left_out = WHOLE.union(*(group.passes for group, versions in now if group.drawn == versions))
        return self.left_out

    def frame(self, passes: frozenset[str]) -> CompiledGraph:
        """Return the frame without these passes, which `begin` has returned."""
        frames = self._graph.frames
        found = frames.get(passes)
        if found is None:
            found = frames[passes] = without(self._graph.graph, passes)
        return found

    def _reusable(self, graph: CompiledGraph, is_aliased: Callable[[str], bool]) -> _Reusable:
        """Return what can be left out of a graph: for the last few graphs that is known."""
        aliased = frozenset(name for life in graph.images if is_aliased(name := life.image.name))
        for known in self._known:
            if known.graph is graph and known.aliased == aliased:
                return known
        self._known.append(_Reusable(graph, aliased, reusable(graph, aliased)))
        return self._known[-1]

    def submitted(self) -> None:
        """The frame that `begin` was called for has been submitted."""
        for group, versions in self._begun:
            group.drawn = versions
        self._begun = []

    def _frame_bytes(self, needs: FrameNeeds, passes: Set[str]) -> dict[str, npt.NDArray[np.bool_]]:
        """Return which bytes of Frame blocks passes use, by the names of their rings."""
        found: dict[str, npt.NDArray[np.bool_]] = {}
        for drawing in (needs.drawings[name] for name in passes if name in needs.drawings):
            for shading in drawing.shadings():
                if shading.frame is None:
                    continue
                own = self._used_bytes(shading, shading.frame)
                for view in drawing.compiled.declaration.views:
                    ring = drawing.names.frame(view, shading.frame)
                    found[ring] = found[ring] | own if ring in found else own
        return found

    def _used_bytes(self, shading: ShaderSet, block: Block) -> npt.NDArray[np.bool_]:
        used: set[str] = set()
        for shader, (_, entry_point) in zip(shading.shaders, shading.stages, strict=True):
            of_stage = used_members(self._code(shader.key), FRAME_BLOCK, entry_point)
            used.update(block.fields if of_stage is None else of_stage)
        found = np.zeros(block.size, np.bool_)
        for name, begin, end in block.ranges():
            found[begin:end] = name in used
        return found


def _versions(group: _Group, rings: Mapping[str, RingWriter]) -> tuple[object, ...]:
    versions = [rings[name].version if name in rings else -1 for name in group.rings]
    frames = [
        rings[name].source.reshape(-1).view(np.uint8)[: len(used)][used].tobytes() if name in rings else b""
        for name, used in group.frames.items()
    ]
    return (group.moves, *versions, *frames)


def _rings(needs: FrameNeeds, passes: Set[str]) -> list[str]:
    """Return the names of the rings that passes read, without places of objects and Frame blocks."""
    found = set()
    for name in passes & needs.drawings.keys():
        drawing = needs.drawings[name]
        if isinstance(drawing, PassDrawing):
            found |= {f"{name}.draws", f"{name}.commands"}
            found |= {material_table_name(name, number) for number in drawing.in_use.shadings.tolist()}
        found |= {ring for shading in drawing.shadings() for ring, _ in drawing.names.columns(shading)}
    return sorted(found)

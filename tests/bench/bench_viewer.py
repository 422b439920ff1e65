"""The cost of the viewer's own parts per frame: the inspector with 100,000 blocks, packing its triangles."""

import ctypes
import statistics
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from harness import Row
from imgui_bundle import imgui
from viewer.panels.inspector import Inspector
from viewer.panels.run_statistics import RunStatistics

from engine.plan.model.plan import Plan
from engine.tableau.schema import FeatureSchema
from engine.tableau.tableau import Tableau
from viewer.guard import Guard
from viewer.panels.compaction_button import CompactionButton
from viewer.ui import style
from viewer.ui.draw_lists import INDEX_BYTES, VERTEX_BYTES, Space, pack

FRAMES = 300
BLOCKS = 100_000
AIM_MS = 2.0


def rows() -> Iterable[Row]:
    """The memory tab with 100,000 subresources beside one with 100; all of its triangles packed."""
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    from support.plans import large_plan

    _open_context()
    few, _ = _memory_tab(large_plan(100))
    many, packing = _memory_tab(large_plan(BLOCKS))
    yield Row(
        "viewer.inspector_100k",
        many,
        "ms",
        "the same table with 100 blocks",
        few,
        aim=f"<= {AIM_MS:g} ms a frame",
        holds=many <= AIM_MS,
    )
    tableau = Tableau([FeatureSchema("visibleModel")])
    tableau.add_feature("visibleModel", tableau.add_objects(BLOCKS // 2))
    objects = _timed(_inspector(tableau), large_plan(100))
    yield Row("viewer.objects_100k", objects, "ms", aim=f"<= {AIM_MS:g} ms a frame", holds=objects <= AIM_MS)
    yield Row("viewer.pack", packing, "ms", aim="<= 0.5 ms a frame", holds=packing <= 0.5)


def _open_context() -> None:
    imgui.create_context()
    io = imgui.get_io()
    io.set_ini_filename("")
    io.display_size = (1280, 720)
    io.backend_flags |= imgui.BackendFlags_.renderer_has_textures.value
    style.apply(1.0)


def _inspector(tableau: Tableau) -> Inspector:
    def fail(name: str, message: str) -> None:
        raise RuntimeError(f"{name}: {message}")

    def unasked(most_bytes: int, most_moves: int) -> NoReturn:
        raise RuntimeError("the benchmark never compacts")

    return Inspector(tableau, CompactionButton(unasked, unasked), Guard(fail))


def _memory_tab(plan: Plan) -> tuple[float, float]:
    """Milliseconds per frame with the whole tree expanded, and for packing its triangles."""
    inspector = _inspector(Tableau())
    _click(inspector, plan, 100, 66)
    model = inspector._memory._model
    assert model is not None, "the tab of memory is open"
    model.set_expanded(0, True)
    model.set_expanded(1, True)
    drawn = _timed(inspector, plan)
    data = imgui.get_draw_data()
    vertices = ctypes.create_string_buffer(data.total_vtx_count * VERTEX_BYTES)
    indices = ctypes.create_string_buffer(data.total_idx_count * INDEX_BYTES)
    space = Space(
        ctypes.addressof(vertices), ctypes.addressof(indices), data.total_vtx_count, data.total_idx_count
    )
    times = []
    for _ in range(FRAMES):
        start = time.perf_counter()
        pack(data, space)
        times.append((time.perf_counter() - start) * 1e3)
    return drawn, statistics.median(times)


def _timed(inspector: Inspector, plan: Plan) -> float:
    _frame(inspector, plan)
    times = []
    for _ in range(FRAMES):
        start = time.perf_counter()
        _frame(inspector, plan)
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def _frame(inspector: Inspector, plan: Plan) -> None:
    imgui.get_io().delta_time = 1 / 60
    imgui.new_frame()
    inspector.draw(plan, RunStatistics(scene="bench"))
    imgui.render()
    for texture in imgui.get_platform_io().textures:
        if texture.status == imgui.ImTextureStatus.want_create:
            texture.set_tex_id(1)
        texture.set_status(imgui.ImTextureStatus.ok)


def _click(inspector: Inspector, plan: Plan, x: float, y: float) -> None:
    io = imgui.get_io()
    for _ in range(2):
        _frame(inspector, plan)
    io.add_mouse_pos_event(x, y)
    _frame(inspector, plan)
    for down in (True, False):
        io.add_mouse_button_event(0, down)
        _frame(inspector, plan)
    _frame(inspector, plan)

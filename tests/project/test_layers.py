"""Which part may import which: the architecture as a test."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from support.limits import limit
from support.sources import modules_below, source_of

# The direct imports that each part may make of other parts. `import-linter` (pyproject.toml) also sees the
# indirect ones; this table is finer.
ALLOWED = {
    "engine.files": set(),
    "engine.humon": {"engine.files"},
    "engine.math": set(),
    "engine.vk": set(),
    "engine.gltf": {"engine.humon", "engine.math"},
    "engine.obj": {"engine.humon"},
    "engine.assets": {"engine.files", "engine.humon", "engine.gltf", "engine.obj"},
    "engine.tableau": {"engine.humon", "engine.math"},
    "engine.plan": {"engine.humon"},
    "engine.graph": {"engine.humon", "engine.plan"},
    "engine.feature": {
        "engine.files",
        "engine.humon",
        "engine.math",
        "engine.assets",
        "engine.tableau",
        "engine.plan",
        "engine.graph",
    },
    "engine.scene": {
        "engine.files",
        "engine.humon",
        "engine.math",
        "engine.gltf",
        "engine.obj",
        "engine.assets",
        "engine.tableau",
        "engine.feature",
    },
    "engine.live": {"engine.files", "engine.humon", "engine.assets", "engine.scene"},
    "engine.planning": {
        "engine.humon",
        "engine.assets",
        "engine.tableau",
        "engine.feature",
        "engine.scene",
        "engine.graph",
        "engine.plan",
    },
    "engine.memory": {"engine.vk", "engine.plan"},
    "engine.storage": {"engine.files", "engine.vk", "engine.plan", "engine.memory"},
    "engine.render": {
        "engine.files",
        "engine.vk",
        "engine.assets",
        "engine.plan",
        "engine.graph",
        "engine.memory",
        "engine.math",
        "engine.planning",
    },
    "features": {
        "engine.feature",
        "engine.tableau",
        "engine.plan",
        "engine.graph",
        "engine.math",
        "engine.assets",
    },
}
# The folders of the larger parts, lowest first, and the modules beside them: each may import those before it.
FLOORS = {
    "engine.plan": (
        "terms",
        "requirements",
        "profile",
        "model",
        "resident",
        "placement",
        "schedule",
        "text",
    ),
    "engine.memory": ("device", "commands", "texels", "readback", "streaming"),
    "engine.planning": (
        "draw",
        "renewed_tables",
        "problems",
        "culling",
        "active_rows",
        "asset_cubes",
        "contradictions",
        "frame_passes",
        "frame_requests",
        "memory_user",
        "value_words",
        "row_values",
        "values",
        "needs",
        "visibility",
        "picking",
        "shortage",
        "ahead",
        "scene",
        "offline",
        "what_if",
    ),
    "engine.testing": (
        "comparison",
        "scene",
        "assertions",
        "scripts",
        "goldens",
        "report",
        "hu",
        "hooks",
        "plugin",
    ),
    "viewer": (
        "numbered_files",
        "arguments",
        "guard",
        "editing",
        "session",
        "window",
        "ui",
        "panels",
        "comparison",
        "run",
        "main",
        "command",
        "__main__",
    ),
}
# These stand above the others and may use all of the engine.
ABOVE = {"engine.runtime", "engine.cli", "engine.testing", "engine.__main__", "viewer"}
# Third parties that only one part may touch.
RESERVED = {"vulkan": {"engine.vk"}, "glfw": {"viewer"}, "imgui_bundle": {"viewer"}}

NEEDS_VULKAN = {"engine.vk", "engine.memory", "engine.storage", "engine.render"}
WITHOUT_VULKAN = sorted((ALLOWED.keys() | {"engine"}) - NEEDS_VULKAN)


def part_of(module: str) -> str:
    """Give the part of a module: `engine.plan` for engine.plan.terms.errors, `viewer` for viewer.main."""
    names = module.split(".")
    return ".".join(names[:2]) if names[0] == "engine" and len(names) > 1 else names[0]


def floor_of(module: str, part: str) -> int | None:
    """Give the height of a module's folder in its part, or None where it stands outside all of them."""
    if part not in FLOORS or not module.startswith(part + "."):
        return None
    folder = module.removeprefix(part + ".").split(".")[0]
    return FLOORS[part].index(folder)


def imports_of(path: Path, module: str) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, anywhere in it, with the line."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node, _ in source_of(path).imports:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        else:
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            # `from engine import vk` names the part only after the import.
            if base == "engine":
                yield from ((f"engine.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield base, node.lineno


def modules(root: Path) -> Iterator[tuple[Path, str]]:
    for path in modules_below(root, "engine", "features", "viewer"):
        names = path.relative_to(root).with_suffix("").parts
        yield path, ".".join(names[:-1] if names[-1] == "__init__" else names)


def wrong_imports(path: Path, module: str, shown: str) -> list[str]:
    part = part_of(module)
    wrong = []
    for imported, line in imports_of(path, module):
        target = part_of(imported)
        if target == part:
            here, there = floor_of(module, part), floor_of(imported, part)
            if here is not None and there is not None and there > here:
                wrong.append(f"{shown}:{line} ({module}) imports {imported}, which stands above it")
            continue
        if imported == "engine":
            continue
        if target in RESERVED:
            allowed = part in RESERVED[target]
        elif target.split(".")[0] not in ("engine", "features", "viewer"):
            continue
        elif part in ABOVE:
            allowed = part == "viewer" or target.startswith("engine.")
        else:
            allowed = target in ALLOWED.get(part, set())
        if not allowed:
            wrong.append(f"{shown}:{line} ({part}) imports {imported}")
    return wrong


def test_each_part_imports_only_what_its_row_of_the_table_allows(root: Path) -> None:
    wrong = [
        line
        for path, module in modules(root)
        for line in wrong_imports(path, module, str(path.relative_to(root)))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("engine.plan.terms.drawing_rows", "import vulkan"),
        ("engine.plan.model.packing", "from engine.plan.placement.planner import make_plan"),
        ("engine.memory.device.objects", "from engine.storage.atlas import Atlas"),
        ("viewer.ui.renderer", "import viewer.panels.widgets"),
        ("engine.plan.terms.drawing_rows", "from engine import vk"),
        ("engine.plan.terms.drawing_rows", "from ...memory import device"),
        ("engine.humon.parser", "from engine.math import projection"),
        ("engine.render.passes", "import glfw"),
        ("engine.runtime.frame", "from features.camera import Camera"),
        ("features.camera", "def late():\n    from viewer.window.window import Window"),
    ],
)
def test_a_forbidden_import_is_found_wherever_it_stands(tmp_path: Path, module: str, statement: str) -> None:
    file = tmp_path / "module.py"
    file.write_text(statement + "\n", encoding="utf-8")
    assert wrong_imports(file, module, "module.py")


def import_graph(files: dict[str, Path], *, for_types: bool) -> dict[str, set[str]]:
    """Which modules each module imports, in functions too; `for_types`: also under `if TYPE_CHECKING:`."""
    graph: dict[str, set[str]] = {}
    for module, path in files.items():
        found = set()
        for node, is_for_types in source_of(path).imports:
            if is_for_types and not for_types:
                continue
            if isinstance(node, ast.ImportFrom):
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                found |= {name if name in files else str(node.module) for name in names}
            else:
                found |= {alias.name for alias in node.names}
        graph[module] = (found & files.keys()) - {module}
    return graph


def import_circle(graph: dict[str, set[str]]) -> list[str]:
    """One circle of modules that import each other, empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        return list(circle.args[1])
    return []


def test_no_modules_import_each_other_in_a_circle(root: Path) -> None:
    files = {module: path for path, module in modules(root)}
    assert import_circle(import_graph(files, for_types=False)) == []


@pytest.mark.parametrize("part", ["engine.cli", "viewer"])
def test_not_even_annotations_close_a_circle_of_imports(root: Path, part: str) -> None:
    files = {module: path for path, module in modules(root) if part_of(module) == part}
    assert import_circle(import_graph(files, for_types=True)) == []


def test_a_circle_of_imports_is_found(tmp_path: Path) -> None:
    sources = {
        "a": "import b",
        "b": "def late():\n    from c import name",
        "c": "if TYPE_CHECKING:\n    import a",
    }
    files = {name: tmp_path / f"{name}.py" for name in sources}
    for name, path in files.items():
        path.write_text(sources[name] + "\n", encoding="utf-8")
    assert import_circle(import_graph(files, for_types=False)) == []
    assert set(import_circle(import_graph(files, for_types=True))) == {"a", "b", "c"}


def test_every_part_of_the_engine_has_a_row_in_the_table(root: Path) -> None:
    parts = {part_of(module) for _, module in modules(root)} - {"engine"}
    assert parts <= ALLOWED.keys() | ABOVE, "a new part needs a row"


def test_no_modules_of_storage_import_each_other_in_a_circle(root: Path) -> None:
    """Imports for type checkers count as well."""
    rows = [(path, module) for path, module in modules(root) if part_of(module) == "engine.storage"]
    graph = {module: {name for name, _ in imports_of(path, module)} for path, module in rows}
    assert len(graph) > 20
    while free := {module for module, uses in graph.items() if not uses & graph.keys()}:
        graph = {module: uses for module, uses in graph.items() if module not in free}
    assert not graph, f"these stand in a circle, or above one: {sorted(graph)}"


def test_the_layer_contracts_hold(root: Path) -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program], cwd=root, capture_output=True, text=True, timeout=limit(100), check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def run_python(code: str, root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=limit(60), check=False)


FIRST_OF_OURS = """
import importlib, sys, traceback

def is_ours(name):
    return name.split(".")[0] in ("engine", "features", "viewer")

def imported(module):
    for name in [name for name in sys.modules if is_ours(name)]:
        del sys.modules[name]
    importlib.import_module(module)
"""
"""Imports a part as the first of ours; what others have made stays, as it would be the same again."""


def found_by(code: str, root: Path) -> list[str]:
    """Return the lines that a process of its own prints."""
    done = run_python(FIRST_OF_OURS + code, root)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def unimportable(root: Path, parts: Sequence[str], absent: Sequence[str]) -> list[str]:
    """List the parts that cannot be imported where these packages are not installed, each with its error."""
    code = f"""
for name in {absent!r}:
    sys.modules[name] = None
for part in {parts!r}:
    try:
        imported(part)
    except ImportError:
        print(part, traceback.format_exc().splitlines()[-1])
"""
    return found_by(code, root)


def pulled_in(root: Path, parts: Sequence[str], unwanted: Sequence[str]) -> list[str]:
    """List the parts that import one of these packages, and which."""
    code = f"""
for part in {parts!r}:
    imported(part)
    for name in [name for name in {unwanted!r} if sys.modules.pop(name, None)]:
        print(part, name)
"""
    return found_by(code, root)


def test_parts_import_where_neither_vulkan_nor_a_window_system_is_installed(root: Path) -> None:
    assert unimportable(root, WITHOUT_VULKAN, ("vulkan", "glfw", "imgui_bundle")) == []


def test_a_part_that_needs_an_absent_package_is_named(root: Path) -> None:
    (found,) = unimportable(root, ("engine.files", "engine.math", "engine.humon"), ("numpy",))
    assert found.startswith("engine.math ModuleNotFoundError: ")


def test_importing_a_part_pulls_in_nothing_slow(root: Path) -> None:
    slow = ("rich", "PIL", "pyrr", "hypothesis", "glfw", "imgui_bundle")
    parts = [*sorted(ALLOWED), "engine.runtime", "engine.cli", "viewer"]
    assert pulled_in(root, parts, slow) == []


def test_each_part_that_pulls_in_a_package_is_named(root: Path) -> None:
    found = pulled_in(root, ("engine.files", "engine.gltf", "engine.humon", "engine.math"), ("numpy", "PIL"))
    assert found == ["engine.gltf numpy", "engine.math numpy"]


def test_humon_and_the_command_line_come_up_with_the_standard_library_alone(root: Path) -> None:
    code = """
import sys
before = set(sys.modules)
import engine.humon, engine.cli.probe, engine.cli.exits
new = {name.split(".")[0] for name in set(sys.modules) - before}
print(*sorted(new - sys.stdlib_module_names - {"engine"}))
"""
    done = run_python(code, root)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.gpu
def test_a_headless_run_loads_no_window_system_and_nothing_slow(root: Path) -> None:
    arguments = ["viewer", "scenes/cube.hu", "--headless", "--size", "64x48", "--no-validate"]
    cooked = subprocess.run(
        [sys.executable, "-m", "engine", "cook", "scenes/cube.hu"], cwd=root, timeout=limit(100), check=True
    )
    assert cooked.returncode == 0
    code = f"""
import runpy, sys
sys.argv = {arguments!r}
try:
    runpy.run_module("viewer", run_name="__main__")
except SystemExit as left:
    assert left.code == 0, left.code
names = ("glfw", "imgui_bundle", "rich", "PIL", "pyrr", "hypothesis")
print(*[name for name in names if name in sys.modules])
"""
    done = run_python(code, root)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []

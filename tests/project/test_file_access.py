"""Which module may touch files: everything goes through `engine.files`, apart from what is listed here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.sources import Source, modules_below, parsed, source_of

GATES = tuple(f"engine/files/{name}.py" for name in ("opening", "scratch", "streams", "writing"))
# Calls that read, write, create or delete. `exists` and its like raise for a name of 300 characters and below
# a folder that cannot be read; those of os.path do not.
CALLS = {
    "open",
    "os.open",
    "os.fdopen",
    "os.replace",
    "os.rename",
    "os.truncate",
    "os.unlink",
    "os.remove",
    "os.symlink",
    "os.link",
    "mmap.mmap",
    "np.load",
    "np.save",
    "np.memmap",
    "np.fromfile",
}
MODULES = ("tempfile.", "shutil.")
METHODS = {
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "unlink",
    "tofile",
    "symlink_to",
    "hardlink_to",
    "exists",
    "is_file",
    "is_dir",
}
MODE = re.compile(r"[rwxab+t]{1,3}")

# What else touches files, and why that is right.
ALLOWED = {
    "engine/assets/cache/cache.py": (
        "a file of open_regular, mapped where there is no preadv, and deleted if it is damaged",
        {"mmap.mmap", "os.unlink"},
    ),
    "engine/assets/files.py": ("reads what open_regular opened", {"open"}),
    "engine/humon/files.py": ("reads what open_regular opened", {"open"}),
    "engine/scene/save_as/elsewhere.py": ("removes what it wrote where the rest cannot be", {"os.unlink"}),
    "engine/assets/importers/environment/openexr_package.py": (
        "the folder of one run of the worker, made for it alone",
        {"write_bytes", "np.memmap"},
    ),
    "engine/assets/importers/environment/openexr_worker.py": (
        "the folder of its run",
        {"tofile"},
    ),
    "engine/assets/importers/shader.py": (
        "the folder of one run of the compiler, made for it alone",
        {"write_text", "write_bytes", "read_bytes", "is_file"},
    ),
    "engine/assets/tools/tool_process.py": (
        "the folder of one run of the compiler",
        {"open", "tempfile.mkdtemp", "shutil.rmtree"},
    ),
    "engine/assets/tools/tools.py": (
        "programs of the system on PATH",
        {"open", "shutil.which"},
    ),
    "engine/cli/commands/assets.py": ("the width of the terminal", {"shutil.get_terminal_size"}),
    "engine/cli/stop_signals.py": ("the null device in place of a terminal", {"os.open"}),
    "engine/cli/probe.py": ("programs of the system on PATH", {"shutil.which"}),
    "engine/feature/own_shaders.py": ("the builtin includes of this installation", {"read_bytes"}),
    "engine/feature/registry.py": ("metadata of installed packages", {"read_bytes"}),
    "engine/memory/device/host_memory.py": ("anonymous memory", {"mmap.mmap"}),
    "engine/runtime/report.py": ("the process's own entry in /proc", {"read_text"}),
    "engine/runtime/trials/worker.py": (
        "its own standard streams, and the null device",
        {"os.fdopen", "os.open"},
    ),
    "engine/vk/shader_cache.py": ("the index of Mesa's own cache, of which it reads nothing", {"open"}),
    "viewer/editing/recovery.py": ("its own files in the user's state folder, deleted", {"unlink"}),
    "viewer/panels/source/source_text.py": ("programs of the system on PATH", {"shutil.which"}),
    "engine/testing/goldens/findings.py": ("its own findings, deleted", {"shutil.rmtree", "unlink"}),
    "engine/testing/hooks/golden_hooks.py": ("its own report, deleted", {"unlink"}),
    "engine/testing/scene/fault_injection.py": (
        "damages files of a copy on purpose",
        {
            "os.truncate",
            "read_bytes",
            "write_bytes",
            "shutil.copytree",
            "shutil.ignore_patterns",
        },
    ),
    "tools/executed_lines.py": ("a file in the copy of the project that it runs in", {"write_text"}),
    "tools/forked_mutants.py": (
        "the copy of the project that it runs in, pipes and the null device",
        {"open", "os.open", "read_text", "shutil.rmtree"},
    ),
    "tools/mutants.py": (
        "copies of the project in a temporary folder, and a list that is part of the checkout",
        {
            "exists",
            "open",
            "read_text",
            "shutil.copy",
            "shutil.copytree",
            "shutil.ignore_patterns",
            "shutil.rmtree",
            "tempfile.TemporaryDirectory",
            "write_text",
        },
    ),
    "tools/window_recorder.py": ("a folder for a display and its user", {"tempfile.TemporaryDirectory"}),
    "tools/mutator.py": ("modules of the checkout", {"read_text"}),
    "tools/recording.py": (
        "the checkout, and its own recording",
        {"exists", "is_file", "read_bytes", "read_text", "unlink"},
    ),
}


def accesses(source: Source) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each call in a module that touches files."""
    for line, name, is_attribute, first in source.calls:
        last = name.rpartition(".")[2]
        if name in CALLS or name.startswith(MODULES):
            yield line, name
        elif is_attribute and not name.startswith("os.path."):
            has_mode = first is not None and MODE.fullmatch(first)
            if last in METHODS or (last == "open" and has_mode):
                yield line, last


def sources(root: Path) -> Iterator[tuple[str, Source]]:
    for path in modules_below(root, "engine", "features", "viewer", "tools"):
        yield path.relative_to(root).as_posix(), source_of(path)


def test_files_are_touched_through_the_gate_alone(pytestconfig: pytest.Config) -> None:
    found = {
        f"{name}:{line}: {call}"
        for name, source in sources(pytestconfig.rootpath)
        if name not in GATES
        for line, call in accesses(source)
        if call not in ALLOWED.get(name, ("", set()))[1]
    }
    assert not found


def test_no_exception_from_the_gate_outlives_its_use(pytestconfig: pytest.Config) -> None:
    allowed = {(name, call) for name, (_, calls) in ALLOWED.items() for call in calls}
    used = {(name, call) for name, source in sources(pytestconfig.rootpath) for _, call in accesses(source)}
    assert not allowed - used


@pytest.mark.parametrize(
    "source",
    [
        "open(path)",
        "path.open('rb')",
        "Path(name).write_text('x')",
        "os.open(path, os.O_RDONLY)",
        "tempfile.mkstemp()",
        "shutil.copy(a, b)",
        "given.exists()",
        "np.load(path)",
    ],
)
def test_every_way_around_the_gate_is_seen(source: str) -> None:
    assert list(accesses(parsed(source)))


@pytest.mark.parametrize("source", ["self.open(space)", "os.path.exists(path)", "ring.replace(data)"])
def test_other_calls_are_not_taken_for_file_access(source: str) -> None:
    assert not list(accesses(parsed(source)))

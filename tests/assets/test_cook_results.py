"""Results of a cook wait for their cache on the disk beyond a limit, whatever the number of pictures."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
from support.limits import limit
from support.projects import TRIANGLE_DB, Project

from engine.assets import cook as cook_module
from engine.assets.cache.kept_results import KeptResults
from engine.assets.cook import cook_database
from engine.files import scratch

NAMES = [f"p{number}" for number in range(24)]
_MEASURE = """
import sys
from pathlib import Path
from engine.assets import cook, read_asset_db
from engine.humon import parse

def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])

cook.KEPT_BYTES = 4 << 20
path = Path(sys.argv[1])
db = read_asset_db(parse(path.read_bytes(), "db.hu"), path, 1)
from engine.assets import importing
Path("/proc/self/clear_refs").write_text("5")
before = peak()
cooked = cook.cook_database(db, jobs=2)
print((peak() - before) << 10, cooked.image.size, cooked.cooked)
"""


def with_pictures(project: Project, size: int) -> str:
    """Add pictures to a project; return the text of its database."""
    for number, name in enumerate(NAMES):
        project.picture(f"assets/{name}.png", np.full((size, size, 4), number, np.uint8))
    lines = [f"{{ @type: texture2d  name: {name}  source: ../assets/{name}.png }}" for name in NAMES]
    return TRIANGLE_DB.replace("    ]\n}\n", "\n".join([*lines, "] }"]))


def test_what_is_beyond_the_limit_is_dropped_from_memory_and_comes_back_the_same(tmp_path: Path) -> None:
    results = KeptResults(tmp_path, 1000)
    random = np.random.default_rng(3)
    arrays = [random.integers(0, 256, size, np.uint8) for size in (600, 3 << 20, 5, 900, 0)]
    contents = [one.tobytes() for one in arrays]
    alive = [weakref.ref(one) for one in arrays]
    kept = [results.keep(memoryview(one)) for one in arrays]
    arrays.clear()
    gc.collect()
    assert [one() is not None for one in alive] == [True, False, True, False, True]
    for _ in range(2):
        assert [b"".join(one) for one in kept] == contents
    assert max(len(piece) for one in kept for piece in one) <= 1 << 20
    assert not list(tmp_path.iterdir())
    results.close()


@pytest.mark.parametrize("fails", ["opening", "writing"])
def test_without_room_on_the_disk_results_stay_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    real = scratch.scratch_file

    def full(folder: Path) -> object:
        if fails == "opening":
            raise PermissionError
        os.dup2(os.open("/dev/full", os.O_RDWR), (file := real(folder)).fileno())
        return file

    monkeypatch.setattr(scratch, "scratch_file", full)
    results = KeptResults(tmp_path, 0)
    contents = [bytes([number]) * 100_000 for number in range(3)]
    kept = [results.keep(one) for one in contents]
    assert [b"".join(one) for one in kept] == contents
    results.close()


@pytest.mark.parametrize("writable", [True, False])
def test_a_cook_with_results_on_the_disk_makes_the_same_cache(
    project: Project, monkeypatch: pytest.MonkeyPatch, writable: bool
) -> None:
    text = with_pictures(project, 8)
    whole = cook_database(project.db(text)).image
    whole_data = bytes(whole.data)
    (cache,) = (project.root / "scenes").glob("*.ogCache")
    cache.unlink()
    if not writable:
        cache.mkdir()
    monkeypatch.setattr(cook_module, "KEPT_BYTES", 0)
    before = {path.name for path in (project.root / "scenes").iterdir()}
    image = cook_database(project.db(text)).image
    assert bytes(image.data) == whole_data
    assert {path.name for path in (project.root / "scenes").iterdir()} - before <= {cache.name}


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_a_cook_of_many_pictures_takes_the_memory_of_a_few(project: Project) -> None:
    project.db(with_pictures(project, 1024))
    command = [sys.executable, "-c", _MEASURE, str(project.root / "scenes/db.hu")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit(100), check=True)
    peak, size, cooked = map(int, done.stdout.split())
    assert cooked == len(NAMES) + 6
    assert size > len(NAMES) * (4 << 20)
    assert peak < size / 2, f"{peak >> 20} MiB for a cache of {size >> 20} MiB"

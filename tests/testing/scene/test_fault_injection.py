"""Claims about the fixture `faults`: every fault ends with its block, and only copies are broken."""

from __future__ import annotations

import pytest

from engine.cli.main import main
from engine.memory.streaming.fills import Fills
from engine.testing import MIB, Faults, assert_problems, open_scene
from engine.vk.errors import DeviceLost, OutOfHostMemory
from engine.vk.faults import faults as calls


@pytest.mark.gpu
def test_a_call_fails_inside_the_block_and_not_after_it(faults: Faults):
    with open_scene("scenes/cube.hu") as scene:
        scene.resize(64, 48)
        failed = faults.failed_call(1, "OUT_OF_HOST_MEMORY", function="vkAllocateMemory")
        with failed as reported, pytest.raises(OutOfHostMemory):
            scene.settle()
        assert reported.failed == 1
        scene.settle()
        assert scene.frame().shape == (48, 64, 4)


@pytest.mark.gpu
def test_calls_are_counted_inside_the_block_alone(faults: Faults):
    with open_scene("scenes/cube.hu") as scene:
        with faults.counted_calls() as reported:
            scene.step()
        made = reported.made
        scene.step()
    assert reported.made == made > 0


@pytest.mark.gpu
def test_a_few_calls_succeed_before_the_device_is_lost(faults: Faults):
    with open_scene("scenes/cube.hu") as scene:
        with faults.lost_device(after=2) as reported, pytest.raises(DeviceLost):
            scene.step(count=9)
        assert reported.made >= 3
    assert calls.injected_result("vkQueueSubmit2") is None


def test_an_unknown_result_is_refused(faults: Faults):
    with pytest.raises(KeyError, match="OUT_OF_LUCK"), faults.failed_call(1, "OUT_OF_LUCK"):
        pass


def test_a_budget_is_lifted_again(faults: Faults):
    with open_scene("scenes/cube.hu", profile="unified") as scene:
        before = scene.profile.budget(0)
        with faults.budget(scene, 64 * MIB):
            assert scene.profile.budget(0) == 64 * MIB
        assert scene.profile.budget(0) == before


def test_the_disk_is_as_fast_as_before(faults: Faults):
    copy = Fills._copy
    with faults.slow_disk(1.0):
        assert Fills._copy is not copy
    assert Fills._copy is copy


def test_a_copy_has_no_caches_and_the_original_stays(faults: Faults, root):
    copy = faults.copy("scenes/cube.hu")
    assert copy.is_file()
    assert not list(copy.parent.glob("*.ogCache*"))
    with pytest.raises(FileNotFoundError, match="no cache beside"):
        faults.truncate_cache(copy)
    copy.write_text("{}")
    assert "cubeView" in (root / "scenes/cube.hu").read_text()


def test_a_half_written_file_is_whole_again(faults: Faults, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    with faults.half_written(file, share=0.3) as path:
        assert path.read_bytes() == b"012"
    assert file.read_bytes() == b"0123456789"


def test_a_copy_of_an_imported_scene_has_its_model(faults: Faults, tmp_path):
    model = tmp_path / "triangle.obj"
    model.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    assert main(["import", str(model), "--out", str(tmp_path / "scenes")]) == 0
    with open_scene(faults.copy(tmp_path / "scenes" / "triangle.hu"), profile="unified") as scene:
        assert_problems(scene)


def test_a_copy_is_a_whole_project(faults: Faults):
    with open_scene(faults.copy("scenes/cube.hu"), profile="unified") as scene:
        assert_problems(scene)

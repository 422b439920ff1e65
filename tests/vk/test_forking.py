"""After a fork the device stays with the parent: the child is refused it, ends, and may open its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.limits import limit

pytestmark = pytest.mark.gpu

BEGIN = """
import multiprocessing, os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of os.fork with threads, since Python 3.12

def ended(child):
    pid = os.fork()
    if not pid:
        sys.exit(child())
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def refused(use, whose_driver=False):
    help_text = "start the child with" if whose_driver else "open the device in the child"
    try:
        use()
    except UsedAfterFork as error:
        assert f"before a fork\\nhelp: {help_text}" in str(error), error
        return
    raise AssertionError(f"{use} is not refused")

from engine.vk.errors import UsedAfterFork
"""


def run(root: Path, code: str) -> str:
    """Run a program that forks; it must end, silently and with 0."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code],
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"},
        capture_output=True,
        text=True,
        timeout=limit(60),
        check=False,
    )
    assert not done.stderr, done.stderr
    assert done.returncode == 0
    return done.stdout


def test_a_child_is_refused_the_device_of_its_parent_and_ends_without_touching_it(root: Path) -> None:
    code = """
from engine.vk.device import Device
from engine.vk.instance import Instance
from engine.vk.structs import new
from engine.vk.timeline import Timeline

instance = Instance(validate=True)
device = Device(instance, instance.choose())
timeline = Timeline(device, "tickets")
counts = instance.handles.counts()

def child():
    refused(instance.adapters)
    refused(lambda: device.create("Semaphore", new("VkSemaphoreCreateInfo")))
    refused(lambda: device.vk.vkDeviceWaitIdle(device.handle))
    refused(timeline.completed)
    of = device.adapter.handle, new("VkPhysicalDeviceMemoryProperties2")
    refused(lambda: instance.vk.vkGetPhysicalDeviceMemoryProperties2(*of))
    timeline.drain()
    timeline.close()
    device.wait_idle()
    assert device.close() == instance.close() == ()
    assert instance.handles.left_behind == 0
    return 7

assert ended(child) == 7
assert ended(lambda: 8) == 8

def other():
    if not device.adapter.works_after_fork:
        refused(Instance, whose_driver=True)
        return 9
    with Instance(validate=True) as mine, Device(mine, mine.choose()) as own:
        Timeline(own, "tickets").close()
        assert not mine.messages.all
    return 9

assert ended(other) == 9
assert instance.handles.counts() == counts
assert timeline.completed() == 0
timeline.close()
assert device.close() == instance.close() == ()
assert not instance.messages.all
print("whole")
"""
    assert run(root, code) == "whole\n"


@pytest.mark.parametrize("how", ["fork", pytest.param("multiprocessing", marks=pytest.mark.proof)])
def test_a_child_of_a_running_scene_is_refused_its_frames_and_may_draw_its_own(root: Path, how: str) -> None:
    code = f"""
import numpy as np
from engine import testing

def draw():
    if not works_after_fork:
        refused(lambda: testing.open_scene("scenes/cube.hu", size=(64, 48)), whose_driver=True)
        return picture
    with testing.open_scene("scenes/cube.hu", size=(64, 48)) as mine:
        mine.step()
        return mine.host.pixels()

def child():
    refused(scene.step)
    refused(lambda: scene.host.pixels())
    scene.close()
    return 0 if np.array_equal(draw(), picture) else 1

def ended_process():
    process = multiprocessing.get_context("fork").Process(target=lambda: sys.exit(child()))
    process.start()
    process.join()
    return process.exitcode

scene = testing.open_scene("scenes/cube.hu", size=(64, 48))
works_after_fork = scene.host.runtime.device.adapter.works_after_fork
scene.step()
picture = scene.host.pixels()
objects, live = scene.host.objects(), scene.host.live_bytes
assert (ended(child) if {how == "fork"} else ended_process()) == 0
assert ended(lambda: 5) == 5
scene.step()
assert np.array_equal(scene.host.pixels(), picture)
assert (scene.host.objects(), scene.host.live_bytes) == (objects, live)
scene.close()
print("whole")
"""
    assert run(root, code) == "whole\n"


def test_a_child_is_refused_a_driver_that_works_in_none(root: Path) -> None:
    code = """
from engine.vk.adapter import Adapter
from engine.vk.device import Device
from engine.vk.instance import Instance

Adapter.works_after_fork = False
with Instance() as instance, Device(instance, instance.choose()):
    pass

def child():
    refused(Instance, whose_driver=True)
    return 7

assert ended(child) == 7
Instance().close()
print("whole")
"""
    assert run(root, code) == "whole\n"


def test_a_child_that_returns_from_a_scene_script_ends_with_one_error_and_its_parent_goes_on(
    root: Path, tmp_path: Path
) -> None:
    script = tmp_path / "forks.py"
    script.write_text(
        "import os\n"
        "def run(scene):\n"
        "    if child := os.fork():\n"
        "        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    picture = tmp_path / "a.png"
    scene = ["scenes/cube.hu", "--headless", "--size", "64x48", "--screenshot", picture, "--script", script]
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "viewer", *map(str, scene)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=limit(100),
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "4\n")
    assert picture.exists()
    message, hint = done.stderr.splitlines()
    assert message.startswith("error[device.forked]: ")
    assert hint.startswith("help: ")

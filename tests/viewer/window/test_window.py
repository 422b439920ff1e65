"""Real windows on a display server of our own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.display import Display, display_server
from support.limits import limit
from support.x_client import XClient

from viewer.guard import Guard

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Xvfb is an X server")


def quiet() -> Guard:
    return Guard(lambda name, message: None)


def test_glfw_and_imgui_share_one_library(display: Display) -> None:
    import viewer.window.window  # noqa: F401

    with open("/proc/self/maps") as maps:
        libraries = {os.path.realpath(line.split()[-1]) for line in maps if "libglfw" in line}
    assert len(libraries) == 1


def test_a_window_has_the_framebuffer_size_that_was_requested(display: Display) -> None:
    from viewer.window.window import Window

    with Window("test", (640, 480), quiet()) as window:
        assert window.framebuffer_size == (640, 480)
        assert "VK_KHR_surface" in window.extensions
        assert window.address != 0
        assert not window.is_hidden
        assert not window.should_close
        window.request_close()
        assert window.should_close


def test_a_window_has_the_density_that_the_desktop_has_set(display: Display) -> None:
    from viewer.window.window import Window

    client = XClient(display)
    try:
        client.set_density(144)
        with Window("test", (320, 200), quiet()) as window:
            assert window.content_scale == 1.5
            assert window.framebuffer_size == (320, 200)
    finally:
        client.set_density(96)
        client.close()


def test_a_resize_is_noticed(display: Display) -> None:
    from viewer.window.window import Window

    with Window("test", (320, 200), quiet()) as window:
        window.resize(400, 300)
        for _ in range(200):
            window.poll()
            time.sleep(0.01)  # the display server needs a processor, too
            if window.framebuffer_size == (400, 300):
                break
        assert window.framebuffer_size == (400, 300)


def test_a_callback_that_raises_is_reported_and_the_loop_goes_on(
    display: Display, monkeypatch: pytest.MonkeyPatch
) -> None:
    from viewer.window.window import Window

    def broken(window: Window, width: int, height: int) -> None:
        raise KeyError(width)

    monkeypatch.setattr(Window, "_note_size", broken)
    reported: list[str] = []
    with Window("test", (320, 200), Guard(lambda name, message: reported.append(message))) as window:
        for size in ((400, 300), (420, 310), (440, 320)):
            window.resize(*size)
            for _ in range(200):
                window.poll()
                time.sleep(0.01)
                if window.size == size and reported:
                    break
        assert window.size == (440, 320)
    assert len(reported) == 1
    assert reported[0].startswith("KeyError: ")


def test_without_a_display_the_reasons_are_reported(no_display: None) -> None:
    from viewer.window.no_display import NoDisplay
    from viewer.window.window import Window

    with pytest.raises(NoDisplay) as raised:
        Window("test", (320, 200), quiet())
    assert raised.value.reasons[0] == "GLFW could not start"
    assert any("DISPLAY" in reason for reason in raised.value.reasons)


def test_closing_twice_destroys_the_window_once(display: Display, monkeypatch: pytest.MonkeyPatch) -> None:
    from viewer.window import window as module

    destroyed: list[object] = []
    destroy = module.glfw.destroy_window
    monkeypatch.setattr(
        module.glfw, "destroy_window", lambda handle: (destroyed.append(handle), destroy(handle))
    )
    window = module.Window("test", (320, 200), quiet())
    window.close()
    window.close()
    assert len(destroyed) == 1


def test_a_surface_on_a_display_that_is_gone_ends_the_run_before_the_driver_gets_it(
    root: Path, tmp_path: Path
) -> None:
    code = (
        "import sys\n"
        "from viewer.guard import Guard\n"
        "from viewer.window.lost_display import display_watch\n"
        "from viewer.window.window import Window\n"
        "window = Window('test', (64, 48), Guard(print))\n"
        "print('open', flush=True)\n"
        "sys.stdin.readline()\n"
        "with display_watch.ending(lambda: print('ended')):\n"
        "    window.create_surface(0)\n"  # of no instance: the driver would crash
    )
    with display_server(tmp_path) as (server, display):
        child = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=root,
            env={**os.environ, "DISPLAY": display.name},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        server.kill()
        server.wait()
        out, err = child.communicate("go\n", timeout=limit(60))
    assert (child.returncode, out) == (3, "ended\n"), err
    assert err.startswith("error[display.lost]: ")


@pytest.mark.parametrize(
    ("density", "size"), [(96, (1280, 720)), (192, (2560, 1440)), (288, (3200, 1800))], ids=["1", "2", "3"]
)
def test_the_first_window_is_scaled_as_text_is_and_fits_the_display(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, density: int, size: tuple[int, int]
) -> None:
    from viewer.window.window import Window

    with display_server(tmp_path, (3200, 1800)) as (_, display):
        monkeypatch.setenv("DISPLAY", display.name)
        client = XClient(display)
        client.set_density(density)
        with Window("test", (1280, 720), quiet(), fits_display=True) as window:
            for _ in range(200):
                window.poll()
                if window.framebuffer_size == size:
                    break
                time.sleep(0.01)  # the display server needs a processor, too
            assert window.framebuffer_size == size
        client.close()

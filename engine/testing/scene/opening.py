"""Opening a scene under test: on a shared device, on its own, or on a simulated one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from engine.testing.scene.scene import Host, OpenedScene

if TYPE_CHECKING:
    from engine.plan.profile.device_profile import DeviceProfile

SIZE = (320, 240)


def open_scene(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    headless: bool = True,
    size: tuple[int, int] = SIZE,
    profile: str | Path | DeviceProfile | None = None,
    settings: Sequence[str] = (),
    settle: bool = True,
    seed: int = 0,
    device: str = "",
    own_device: bool = False,
    validate: bool | None = None,
    budget: int | None = None,
    paging_cycles: int | None = None,
    check_bytes: bool = False,
    trials: bool = False,
) -> OpenedScene:
    """Open a scene to be tested.

    Parameters
    ----------
    path
        The scene file; a relative one is looked for in the working folder, then among Diorama's own. Several
        are opened together, each below an object named after it.
    headless
        Draw without a window; False raises ValueError. To run a script in a window, use
        `python -m viewer SCENE --script FILE.py`.
    size
        Width and height of frames in pixels.
    profile
        A recorded device (a name in assets/profiles, a .json file, or a DeviceProfile): plan, memory and
        schedule are those for that device, simulated; nothing is drawn and Vulkan is not needed.
    settings
        Changes made before planning, as for `--set`.
    settle
        Upload everything before returning; without it the assets arrive frame by frame.
    seed
        The seed of the scene's `random`.
    device
        Part of the name of the device to draw with.
    own_device
        Open a device for this scene alone; the default is one that scenes share, which is faster.
    validate
        Run the validation layers; None means if they are installed.
    budget
        The limit of each heap in bytes.
    paging_cycles
        How many paging cycles run in one frame, whatever they cost; None: two, as far as the pace allows.
    check_bytes
        With a profile: copy every byte on the simulated device too, and check what is read.
    trials
        Try shaders that are not the builtin ones in another process first, as the viewer does. Without it the
        test's author vouches for them, and a driver that crashes ends the test run.

    Raises InputError for a scene that cannot be read, PlanError for one that does not fit the device,
    NoDevice without a usable device, NotSettled.
    """
    if not headless:
        raise ValueError("a window is opened by `python -m viewer SCENE --script FILE.py`, not by open_scene")
    from engine.assets import open_library
    from engine.cli.scenes import find_scene
    from engine.scene import load_scenes

    paths = [path] if isinstance(path, str | os.PathLike) else path
    document = load_scenes([find_scene(Path(each)) for each in paths])
    for setting in settings:
        document.apply_setting(setting)
    with ExitStack() as undo:
        library = open_library(document.dbs)
        undo.callback(library.close)
        host: Host
        if profile is not None:
            from engine.testing.scene.profiles import profile_of
            from engine.testing.scene.simulated_host import SimulatedHost

            host = SimulatedHost(
                document,
                library,
                profile_of(profile),
                size=size,
                budget=budget,
                paging_cycles=paging_cycles,
                check_bytes=check_bytes,
            )
        else:
            from engine.testing.scene.live_host import open_live

            host = open_live(
                document,
                library,
                size=size,
                device=device,
                own_device=own_device,
                validate=validate,
                budget=budget,
                paging_cycles=paging_cycles,
                trials=trials,
            )
        undo.callback(host.close)
        scene = OpenedScene(document, host, seed)
        if settle:
            scene.settle()
        undo.pop_all()
    return scene

"""Writes a recording as a script: in Python, for the viewer and pytest, or in Humon, as a test file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.humon.writer import inline
from engine.testing.scripts.recorder import Changed, Event, Given, Reached, Resized, Switched, Waited
from engine.testing.scripts.structure_changes import (
    Added,
    FeatureAdded,
    FeatureRemoved,
    Ordered,
    Rearranged,
    Removed,
    Renamed,
)


def recording_text(
    path: Path, scene: Path, size: tuple[int, int], events: Sequence[Event], problems: Sequence[str] = ()
) -> str:
    """Return the text of the script for `path`, in Python or Humon by its suffix, `.py` or `.hu`.

    `problems` are the codes that were reported; the script expects the same ones.
    """
    write = _python if path.suffix == ".py" else _humon
    return write(path, scene, size, events, problems)


def _python(
    path: Path, scene: Path, size: tuple[int, int], events: Sequence[Event], problems: Sequence[str]
) -> str:
    words = f"{size[0]}x{size[1]}"
    lines = [
        f'"""Recorded from {scene.name}; replays to the same end state, here and with',
        "",
        f"python -m viewer {_from_here(scene)} --size {words} --script {path.name}",
        '"""',
        "",
        "from pathlib import Path",
        "",
        "from engine.testing import open_scene",
        "",
        f"SCENE = Path(__file__).parent / {_relative(scene, path)!r}",
        "",
        "",
        "def run(scene):",
        '    """Replay the recording."""',
        *(f"    {_python_line(event)}" for event in events),
        "    scene.settle()",
        "",
        "",
        "def test_the_recording_replays():",
        f"    with open_scene(SCENE, size={size!r}) as scene:",
        "        run(scene)",
        f"        assert [str(problem.code) for problem in scene.problems] == {list(problems)!r}",
    ]
    return "\n".join(lines) + "\n"


def _python_line(event: Event) -> str:
    if isinstance(event, Waited):
        return f"scene.step({event.seconds!r})"
    if isinstance(event, Switched):
        return f"scene.tableau.{event.flag} = {event.value!r}"
    if isinstance(event, Reached):
        return f"scene.clock.set({event.time!r})"
    if isinstance(event, Resized):
        return f"scene.resize({event.width}, {event.height})"
    if isinstance(event, Given):
        return f"scene.set({event.setting!r})"
    if not isinstance(event, Changed):
        return _structure_line(event)
    if event.asset:
        return f"scene.set({f'{event.target}={inline(event.value)}'!r})"
    feature = f"[{event.feature!r}]" if event.feature else ""
    if event.feature.isidentifier():
        feature = f".{event.feature}"
    return f"scene[{event.path!r}]{feature}.{event.field} = {_python_value(event.value)}"


def _structure_line(event: Rearranged | FeatureAdded | FeatureRemoved) -> str:
    if isinstance(event, Added):
        below = f", below={event.below!r}" if event.below else ""
        return f"scene.add({_object_text(event)!r}{below})"
    if isinstance(event, Removed):
        return f"scene.remove({event.path!r})"
    if isinstance(event, Renamed):
        return f"scene.rename({event.path!r}, {event.to!r})"
    if isinstance(event, Ordered):
        below = f", below={event.below!r}" if event.below else ""
        return f"scene.order({list(event.names)!r}{below})"
    if isinstance(event, FeatureAdded):
        return f"scene.add_feature({event.path!r}, {inline(event.plain)!r})"
    return f"scene.remove_feature({event.path!r}, {event.type_name!r})"


def _object_text(event: Added) -> str:
    return inline({event.name: event.plain}).removeprefix("{ ").removesuffix(" }")


def _python_value(value: Any) -> str:
    return f"({', '.join(map(repr, value))})" if isinstance(value, list) else repr(value)


def _humon(
    path: Path, scene: Path, size: tuple[int, int], events: Sequence[Event], problems: Sequence[str]
) -> str:
    lines = [
        f"// Recorded from {scene.name}; replays to the same end state.",
        "version: 1",
        f"scene: {inline(_relative(scene, path))}",
        f"size: {inline(list(size))}",
        "tests: {",
        "    theRecordingReplays: [",
        *(f"        {line}" for line in _humon_lines(events)),
        "        settle",
        f"        {inline({'expect': {'problems': list(problems)}})}",
        "    ]",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _humon_lines(events: Sequence[Event]) -> Iterator[str]:
    """Yield one step per line; changes at the same time are one step."""
    together: dict[str, Any] = {}
    for event in events:
        if together and not (isinstance(event, Changed) and event.target not in together):
            yield inline({"set": together})
            together = {}
        if isinstance(event, Changed):
            together[event.target] = event.value
        else:
            yield _humon_line(event)
    if together:
        yield inline({"set": together})


def _humon_line(event: Event) -> str:
    assert not isinstance(event, Changed)
    if isinstance(event, Waited):
        return inline({"step": event.seconds})
    if isinstance(event, Switched):
        return inline({"set": {f"tableau.{event.flag}": event.value}})
    if isinstance(event, Reached):
        return inline({"time": event.time})
    if isinstance(event, Resized):
        return inline({"resize": [event.width, event.height]})
    if isinstance(event, Given):
        target, _, value = event.setting.partition("=")
        return f"{{ set: {{ {inline(target.strip())}: {value} }} }}"
    return inline(_structure_step(event))


def _structure_step(event: Rearranged | FeatureAdded | FeatureRemoved) -> dict[str, Any]:
    if isinstance(event, Added):
        return {"add": {event.name: event.plain}} | ({"below": event.below} if event.below else {})
    if isinstance(event, Removed):
        return {"remove": event.path}
    if isinstance(event, Renamed):
        return {"rename": event.path, "to": event.to}
    if isinstance(event, Ordered):
        return {"order": list(event.names)} | ({"below": event.below} if event.below else {})
    if isinstance(event, FeatureAdded):
        return {"addFeature": event.plain, "of": event.path}
    return {"removeFeature": event.type_name, "of": event.path}


def _relative(scene: Path, path: Path) -> str:
    """The scene's path relative to the script's folder, with `/` on every system."""
    start, end = os.path.dirname(os.path.realpath(path)), os.path.realpath(scene)
    try:
        return Path(os.path.relpath(end, start)).as_posix()
    except ValueError:  # on another drive
        return Path(end).as_posix()


def _from_here(scene: Path) -> str:
    try:
        return Path(os.path.relpath(scene)).as_posix()
    except ValueError:
        return scene.as_posix()

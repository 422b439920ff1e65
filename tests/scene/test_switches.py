"""Claims about active and enabled at every level, by every way in: they are combined by AND.

The levels are the feature, its object, an ancestor of that and the tableau; with several scenes, the object
of a file stands for its tableau.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from support.sampling import Sample

from engine.feature import Registry
from engine.humon import InputError
from engine.scene import Scene, load_scene, load_scenes
from engine.tableau import Tableau

from .conftest import ASSETS

FLAGS = ("active", "enabled")
LEVELS = ("feature", "object", "ancestor", "tableau")

Flags = dict[tuple[str, str], bool]
"""By level and flag."""

TEXT = """\
tableau: {{
    {tableau}
    objects: {{
        above: {{
            {ancestor}
            objects: {{
                lamp: {{
                    {object}
                    features: [ {{ @type: light  {feature} }} ]
                }}
            }}
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Way:
    """A way in: makes a scene with these flags, from files in a folder."""

    name: str
    make: Callable[[Flags, Path, Registry], Scene]


def text(flags: Flags) -> str:
    """A scene file with all flags that are false."""
    words = dict.fromkeys(LEVELS, "")
    for (level, flag), value in flags.items():
        words[level] += "" if value else f"{flag}: false  "
    return ASSETS + TEXT.format(**words)


def opened(folder: Path, registry: Registry, flags: Flags | None = None) -> Scene:
    path = folder / "a.hu"
    path.write_text(text(flags or {}))
    return load_scene(path, registry)


def by_file(flags: Flags, folder: Path, registry: Registry) -> Scene:
    return opened(folder, registry, flags)


def by_call(flags: Flags, folder: Path, registry: Registry) -> Scene:
    scene = opened(folder, registry)
    lamp = scene.tableau["above/lamp"]
    owners = {"feature": lamp.light, "object": lamp, "ancestor": lamp.parent, "tableau": scene.tableau}
    for (level, flag), value in flags.items():
        setattr(owners[level], flag, value)
    return scene


def by_setting(flags: Flags, folder: Path, registry: Registry) -> Scene:
    scene = opened(folder, registry)
    names = {
        "feature": "above/lamp.light",
        "object": "above/lamp",
        "ancestor": "above",
        "tableau": "tableau",
    }
    for (level, flag), value in flags.items():
        scene.apply_setting(f"{names[level]}.{flag}={str(value).lower()}")
    return scene


def by_bulk_call(flags: Flags, folder: Path, registry: Registry) -> Scene:
    scene = opened(folder, registry)
    tableau, table = scene.tableau, scene.tableau.tables["light"]
    for flag in FLAGS:
        tableau.set_flag(flag, [tableau["above"]], flags["ancestor", flag])
        tableau.set_flag(flag, [tableau["above/lamp"]], flags["object", flag])
        table.set_flag(flag, table.rows_of(tableau.rows()), flags["feature", flag])
        setattr(tableau, flag, flags["tableau", flag])
    return scene


def by_saved_file(flags: Flags, folder: Path, registry: Registry) -> Scene:
    by_call(flags, folder, registry).save()
    return load_scene(folder / "a.hu", registry)


def by_object_of_a_file(flags: Flags, folder: Path, registry: Registry) -> Scene:
    (folder / "a.hu").write_text(text(flags))
    (folder / "b.hu").write_text("tableau: { objects: {} }\n")
    return load_scenes([folder / "b.hu", folder / "a.hu"], registry)


WAYS = [
    Way(name.__name__, name)
    for name in (by_file, by_call, by_setting, by_bulk_call, by_saved_file, by_object_of_a_file)
]


def combinations(sample: Sample) -> Iterator[Flags]:
    """Those in which at most one flag is false, and 40 of the other 247."""
    keys = list(product(LEVELS, FLAGS))
    every = sorted(product((True, False), repeat=len(keys)), key=lambda values: values.count(False))
    few = 1 + len(keys)
    for values in [*every[:few], *(every[number] for number in sample.of(range(few, len(every)), 40))]:
        yield dict(zip(keys, values, strict=True))


def effective(tableau: Tableau) -> tuple[bool, bool]:
    """Whether the lamp's feature is active, and enabled."""
    table = tableau.tables["light"]
    return len(table.rows_active()) == 1, len(table.rows_enabled()) == 1


@pytest.mark.parametrize("way", WAYS, ids=[way.name for way in WAYS])
def test_a_feature_is_active_and_enabled_where_all_levels_are(way, write, registry, tmp_path, sample: Sample):
    folder = tmp_path / "scenes"
    folder.mkdir()
    for flags in combinations(sample):
        active = all(flags[level, "active"] for level in LEVELS)
        enabled = active and all(flags[level, "enabled"] for level in LEVELS)
        scene = way.make(flags, folder, registry)
        assert effective(scene.tableau) == (active, enabled), flags


def test_each_flag_that_is_switched_back_alone_changes_only_itself(write, registry, tmp_path):
    (tmp_path / "scenes").mkdir()
    scene = opened(tmp_path / "scenes", registry)
    for level, flag in product(("above/lamp.light", "above/lamp", "above", "tableau"), FLAGS):
        scene.apply_setting(f"{level}.{flag}=false")
        assert effective(scene.tableau) == (flag == "enabled", False)
        scene.apply_setting(f"{level}.{flag}=true")
        assert effective(scene.tableau) == (True, True)


def test_an_object_called_tableau_is_meant_before_the_tableau(write, registry):
    path = write("tableau: { objects: { tableau: {} } }")
    scene = load_scene(path, registry)
    scene.apply_setting("tableau.active=false")
    assert scene.tableau.active
    assert not scene.tableau["tableau"].active


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("tableau.active=maybe", "value.boolean"),
        ("tableau.enabled=", "value.missing"),
        ("tableau.scale=[1 1 1]", "object.unknown"),
        ("tableau.name=x", "object.unknown"),
    ],
)
def test_a_wrong_setting_of_the_tableau_is_reported(write, registry, setting, code):
    scene = load_scene(write("tableau: { objects: {} }"), registry)
    with pytest.raises(InputError) as raised:
        scene.apply_setting(setting)
    assert raised.value.problems[0].code.startswith(code)
    assert raised.value.problems[0].message.startswith(f"--set {setting}")

"""What loading a scene of 100,000 objects costs, beside parsing its text."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from harness import Row

from engine.feature import Feature, Registry, asset_field, float_field
from engine.humon import read
from engine.scene import load_scene

OBJECTS = 100_000
ROUNDS = 3
AIM_RATIO = 2.0


class Seen(Feature):
    """Names an asset, with a number."""

    type_name = "seen"
    fields = (asset_field("asset", types=("texture2d",)), float_field("power", 1.0))


def scene_text(count: int) -> str:
    """A tableau of `count` objects with a feature each, and a database of one texture."""
    lines = [
        "assetDb: { name: assetDb0  assets: [ { @type: texture2d  name: a  source: a.png } ] }\n"
        "tableau: {\n    objects: {\n"
    ]
    for i in range(count):
        x, y, z = i % 100 * 1.5, i // 100 % 100 * 0.25, i // 10_000 * 2
        lines.append(
            f"        object{i}: {{\n"
            f"            translation: [{x} {y} {z}]\n"
            f"            rotation: [0 0 0 1]\n"
            f"            scale: [1 1 1]\n"
            f"            features: [ {{ @type: seen  asset: [assetDb0 a]  power: {i % 9} }} ]\n"
            f"        }}\n"
        )
    return "".join([*lines, "    }\n}\n"])


def rows() -> Iterable[Row]:
    """Load a scene file, best of a few times."""
    registry = Registry([Seen()])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bench.hu")
        path.write_text(scene_text(OBJECTS), encoding="utf-8")
        size = path.stat().st_size / 1e6
        parsing = loading = float("inf")
        for _ in range(ROUNDS):
            start = time.perf_counter()
            read(path)
            middle = time.perf_counter()
            scene = load_scene(path, registry)
            parsing = min(parsing, middle - start)
            loading = min(loading, time.perf_counter() - middle)
        assert len(scene.tableau) == OBJECTS
        start = time.perf_counter()
        scene.tableau["object77"].seen.power = 0.5
        assert scene.save()
        saving = time.perf_counter() - start
    words = f"parsing the same text ({size:.0f} MB)"
    ratio = f"<= {AIM_RATIO:g} x parsing"
    holds = loading <= AIM_RATIO * parsing
    yield Row("scene.load_100k", loading, "s", words, parsing, aim=ratio, holds=holds)
    yield Row("scene.save_1_of_100k", saving, "s", words, parsing)

"""The cost of reading scene files, compared with json.loads of the same data and the `humon` package."""

from __future__ import annotations

import gc
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness import Row
from scene_texts import object_text

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.humon_texts import HOSTILE

from engine.humon import Document, InputError, boolean, format_document, parse, plain, vector, write

OBJECTS = 100_000
FEW_OBJECTS = 10_000
ROUNDS = 3
AIM_S = 3.0


def scene_text(count: int) -> str:
    """Return a tableau of `count` objects, with root braces, which the `humon` package requires."""
    lines = ["{ tableau: {\n    name: bench\n    objects: {\n"]
    for i in range(count):
        lines.append(object_text(i, f"@type: visibleModel  enabled: true  asset: [assetDb0 {i % 7}]"))
    return "".join([*lines, "    }\n} }\n"])


def rows() -> Iterable[Row]:
    """Read 100,000 and 10,000 objects, take their vectors, change one value, format, write."""
    text = scene_text(OBJECTS)
    document = parse(text, "bench.hu")
    value = plain(document.root)
    as_json = json.dumps(_with_numbers(value))
    data = text.encode()

    def load_bytes() -> Document:
        return parse(data, "bench.hu")

    ours, theirs = _best(load_bytes, lambda: json.loads(as_json))
    size = f"{OBJECTS:,} objects, {len(data) / 1e6:.0f} MB"
    yield Row(
        "humon.read_100k",
        ours,
        "s",
        f"json.loads of the same data ({size})",
        theirs,
        aim=f"<= {AIM_S:g} s",
        holds=ours <= AIM_S,
    )
    (quoted,) = _best(lambda: parse(as_json, "bench.json"))
    yield Row(
        "humon.read_json_100k",
        quoted,
        "s",
        "json.loads of the same text",
        theirs,
        aim=f"<= {AIM_S:g} s",
        holds=quoted <= AIM_S,
    )
    yield _beside_the_package()
    (typed,) = _best(lambda: _take_values(load_bytes()))
    yield Row(
        "humon.read_and_take_100k",
        typed,
        "s",
        "reading alone",
        ours,
        aim=f"<= {AIM_S:g} s",
        holds=typed <= AIM_S,
    )
    yield _one_edit(document)
    few = parse(scene_text(FEW_OBJECTS), "bench.hu")
    few_value = _with_numbers(plain(few.root))
    formatting, writing, dumping = _best(
        lambda: format_document(few), lambda: write(few_value), lambda: json.dumps(few_value, indent=4)
    )
    yield Row("humon.format_10k", formatting, "s", "json.dumps with indent", dumping)
    yield Row("humon.write_10k", writing, "s", "json.dumps with indent", dumping)
    yield _hostile()


def _beside_the_package() -> Row:
    aim = "faster than the `humon` package at 10,000 objects"
    text = scene_text(FEW_OBJECTS)
    found = importlib.util.find_spec("humon")
    if found is None or found.origin is None:  # without an origin it is the folder of these tests
        (ours,) = _best(lambda: parse(text, "bench.hu"))
        return Row(
            "humon.read_10k", aim=aim, skipped=f"the package `humon` is not installed (ours: {ours:.3f} s)"
        )
    package = importlib.import_module("humon")
    ours, theirs = _best(lambda: parse(text, "bench.hu"), lambda: package.from_string(text))
    return Row(
        "humon.read_10k", ours, "s", "the `humon` package, 0.1.0", theirs, aim=aim, holds=ours < theirs
    )


def _hostile() -> Row:
    """Read a hostile text of about a million characters; the one that takes longest."""
    took = {name: _cpu_to_reject(text) for name, text in HOSTILE.items()}
    worst = max(took, key=lambda name: took[name])
    half = _cpu_to_reject(HOSTILE[worst][: len(HOSTILE[worst]) // 2])
    return Row(
        "humon.hostile",
        took[worst],
        "s",
        f"the first half of the same text ({worst})",
        half,
        aim="<= 3 s of CPU, and <= 3 x the half",
        holds=took[worst] <= min(3, 3 * half),
    )


def _cpu_to_reject(text: str) -> float:
    start = time.process_time()
    with suppress(InputError):
        parse(text, "hostile.hu")
    return time.process_time() - start


def _one_edit(document: Document) -> Row:
    objects = document.root["tableau"]["objects"]
    node = objects[f"object{OBJECTS // 2}"]["features"][0]["enabled"]
    (seconds,) = _best(lambda: document.replace(node, False))
    return Row("humon.edit_100k", seconds * 1e3, "ms", aim="<= 100 ms", holds=seconds <= 0.1)


def _take_values(document: Document) -> int:
    """Read every value that a tableau reads; return how many objects are enabled."""
    enabled = 0
    for thing in document.root["tableau"]["objects"]:
        vector(thing["translation"], 3)
        vector(thing["rotation"], 4)
        vector(thing["scale"], 3)
        enabled += all(boolean(feature["enabled"]) for feature in thing["features"])
    return enabled


def _with_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_numbers(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_with_numbers(child) for child in value]
    try:
        return float(value) if "." in value else int(value)
    except ValueError:
        return value == "true" if value in ("true", "false") else value


def _best(*calls: Callable[[], object]) -> list[float]:
    """Return the best time of each call in seconds: the calls alternate, the garbage collector is off."""
    best = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for number, call in enumerate(calls):
            gc.collect()
            gc.disable()
            start = time.perf_counter()
            result = call()
            best[number] = min(best[number], time.perf_counter() - start)
            gc.enable()
            del result
    return best

"""Damaged scenes: records, values, names and nesting of a project's files changed at random."""

from __future__ import annotations

import copy
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from support.hostile import hostile_edits
from support.one_bad import make_project
from support.scenes import CUBE, ROOT

from engine.humon import parse, read
from engine.humon.values import plain

VALUES = (
    *("0", "-1", "7", "65536", "4294967296", "99999999999999999999", "1e38", "1e39", "1e400", "nan"),
    *("inf", "3.5", "-0", "", "x", "true", "none", "null", "..", "../assets", "/dev/null", "C:\\x", "a/b"),
    *("é", "\u2028", "triangle_strip", "point_list", "line_list", "uint32", "uint16", "r8_uint", "r32_sint"),
    *("r16g16_sfloat", "vertex_shader_bit", "fragment_shader_bit", "compute_shader_bit"),
    *("geometry_shader_bit", "main", "srgb", "linear", "orthographic", "perspective"),
    *("builtin", "placeholder", "x" * 300),
)
"""Texts that are put in place of others."""

NUMBERS = ("0", "1", "2", "3", "-1", "0.5", "7", "255", "65535", "1e-40", "1e20", "3.4e38", "-3e38", "100000")
"""Numbers that are put in place of others."""

NUMBER = re.compile(r"-?[0-9][0-9.]*(e-?[0-9]+)?")
MOST_ALIKE = 4
"""Objects with the same features below one object that are kept: hundreds are as well damaged in few."""


def make_projects(folder: Path) -> tuple[Path, ...]:
    """Write the projects to damage and return their scenes: a good and a bad object, and all of scenes/."""
    return make_project(folder / "pair"), *small_scenes(folder / "all")


def small_scenes(folder: Path) -> list[Path]:
    """Copy all scenes with small pictures and few objects; return them."""
    ignored = shutil.ignore_patterns("*.ogCache*", "*.py", "profiles", "builtin.hu")
    shutil.copytree(ROOT / "assets", folder / "assets", ignore=ignored)
    for path in (folder / "assets").rglob("*.png"):
        Image.fromarray(np.full((8, 8, 3), 200, np.uint8)).save(path)
    (folder / "scenes").mkdir()
    for path in CUBE.parent.glob("*.hu"):
        tree = plain(read(path).root)
        if "tableau" in tree:
            _thin_out(tree["tableau"])
        (folder / "scenes" / path.name).write_text(_text(tree), encoding="utf-8")
    return sorted(path for path in (folder / "scenes").glob("*.hu") if not path.stem.endswith(".assets"))


def _thin_out(record: Any) -> None:
    """Keep the first objects of each kind below a tableau or an object, and of those below them."""
    objects, kinds = record.get("objects", {}), Counter()
    for name, one in list(objects.items()):
        kind = tuple(feature["@type"] for feature in one.get("features", []))
        kinds[kind] += 1
        if kinds[kind] > MOST_ALIKE:
            del objects[name]
        else:
            _thin_out(one)


class SceneMutations:
    """Damages one project in place and mends it again. `files` are the texts that are damaged."""

    def __init__(self, scene: Path) -> None:
        self.scene = scene
        is_alone = scene.parent.name != "scenes"
        root = scene.parent if is_alone else scene.parent.parent
        self.files = sorted(root.rglob("*.hu")) if is_alone else _files_of(scene)
        self.shaders = sorted(root.rglob("*.glsl"))
        self._texts = {path: path.read_bytes() for path in (*self.files, *self.shaders)}
        self._trees: dict[Path, Any] = {}

    def damage(self, rng: np.random.Generator) -> list[str]:
        """Change one thing, at times up to three; return what, for the report of a failure."""
        done = []
        trees: dict[Path, Any] = {}
        written: set[Path] = set()
        for _ in range(1 if rng.random() < 0.7 else int(rng.integers(2, 4))):
            # The scene and its assets more often than the meshes, whose values are mostly numbers.
            path = self.files[int(rng.choice(len(self.files), p=self._weights()))]
            how = rng.random()
            if how < 0.04:
                done.append(_edit_text(rng, self.shaders[int(rng.integers(len(self.shaders)))]))
            elif how < 0.10:
                done.append(_edit_text(rng, path))
                written.add(path)
            elif path not in written:
                if path not in trees:
                    trees[path] = copy.deepcopy(self._tree(path))
                change = CHANGES[int(rng.integers(len(CHANGES)))]
                done.append(f"{path.name}: {change.__name__} {change(rng, trees[path])}")
                path.write_text(_text(trees[path]), encoding="utf-8")
        return done

    def _tree(self, path: Path) -> Any:
        """The tree of a file before it was damaged."""
        if path not in self._trees:
            self._trees[path] = plain(parse(self._texts[path], str(path)).root)
        return self._trees[path]

    def mend(self) -> None:
        """Write the files as they were."""
        for path, content in self._texts.items():
            if not path.is_file() or path.read_bytes() != content:
                path.write_bytes(content)

    def _weights(self) -> list[float]:
        near = [1.0 if path.parent == self.scene.parent else 0.1 for path in self.files]
        return [weight / sum(near) for weight in near]


def _files_of(scene: Path) -> list[Path]:
    """Return a scene, the files that it includes, and the meshes and animations of their assets."""
    tree = plain(read(scene).root)
    found = [scene, *(scene.parent / name for name in tree.get("include", []))]
    sources = {
        (scene.parent / asset["source"]).resolve()
        for path in found
        for asset in plain(read(path).root).get("assetDb", {}).get("assets", [])
        if asset.get("source", "").endswith(".hu")
    }
    return [*found, *sorted(sources)]


def _edit_text(rng: np.random.Generator, path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    for start, end, value in hostile_edits(rng, text, 1):
        path.write_text(text[:start] + value + text[end:], encoding="utf-8")
        return f"{path.name}: {text[start:end][:20]!r} at {start} is {value[:20]!r}"
    return ""


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """All (container, key) of a tree."""
    found = []
    for key, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        found.append((tree, key))
        if isinstance(value, dict | list):
            found += _places(value)
    return found


def _place(rng: np.random.Generator, tree: Any) -> tuple[Any, Any]:
    places = _places(tree)
    return places[int(rng.integers(len(places)))] if places else ({"x": ""}, "x")


def replace(rng: np.random.Generator, tree: Any) -> str:
    """Put another text in place of a value."""
    container, key = _place(rng, tree)
    container[key] = VALUES[int(rng.integers(len(VALUES)))]
    return f"{key} is {container[key]!r:.20}"


def swap(rng: np.random.Generator, tree: Any) -> str:
    """Exchange copies of two values, wherever they are."""
    (a, i), (b, j) = _place(rng, tree), _place(rng, tree)
    a[i], b[j] = copy.deepcopy(b[j]), copy.deepcopy(a[i])
    return f"{i} and {j}"


def borrow(rng: np.random.Generator, tree: Any) -> str:
    """Put a value of the same key, such as another reference, type or format, in place of one."""
    container, key = _place(rng, tree)
    others = [c[k] for c, k in _places(tree) if k == key]
    container[key] = copy.deepcopy(others[int(rng.integers(len(others)))]) if others else "0"
    return f"{key} is {container[key]!r:.40}"


def borrow_text(rng: np.random.Generator, tree: Any) -> str:
    """Put a text of the same key in place of one, so that most references, formats and stages are known."""
    texts = [(c, k) for c, k in _places(tree) if isinstance(c[k], str)]
    container, key = texts[int(rng.integers(len(texts)))] if texts else ({"x": ""}, "x")
    others = [c[k] for c, k in texts if k == key]
    container[key] = others[int(rng.integers(len(others)))] if others else "0"
    return f"{key} is {container[key]!r:.40}"


def renumber(rng: np.random.Generator, tree: Any) -> str:
    """Put another number in place of one."""
    found = [(c, k) for c, k in _places(tree) if isinstance(c[k], str) and NUMBER.fullmatch(c[k])]
    container, key = found[int(rng.integers(len(found)))] if found else ({"x": ""}, "x")
    container[key] = NUMBERS[int(rng.integers(len(NUMBERS)))]
    return f"{key} is {container[key]}"


def remove(rng: np.random.Generator, tree: Any) -> str:
    """Remove a value or record."""
    container, key = _place(rng, tree)
    del container[key]
    return str(key)


def double(rng: np.random.Generator, tree: Any) -> str:
    """Repeat an entry of a list, or a record under another name."""
    container, key = _place(rng, tree)
    if isinstance(container, list):
        container.insert(int(rng.integers(len(container) + 1)), copy.deepcopy(container[key]))
    else:
        container[f"{key}2" if rng.random() < 0.5 else str(key).upper()] = copy.deepcopy(container[key])
    return str(key)


def nest(rng: np.random.Generator, tree: Any) -> str:
    """Wrap a value, or put a container's first value in its place."""
    container, key = _place(rng, tree)
    value = container[key]
    if isinstance(value, dict | list) and value and rng.random() < 0.5:
        container[key] = next(iter(value.values())) if isinstance(value, dict) else value[0]
    else:
        container[key] = [value] if rng.random() < 0.5 else {"x": value}
    return str(key)


def rename(rng: np.random.Generator, tree: Any) -> str:
    """Give a value of a dict another key of the same file."""
    container, key = _place(rng, tree)
    if isinstance(container, dict):
        keys = [k for _, k in _places(tree) if isinstance(k, str)]
        container[keys[int(rng.integers(len(keys)))]] = container.pop(key)
    return str(key)


CHANGES: tuple[Callable[[np.random.Generator, Any], str], ...] = (
    *(replace, swap, borrow, remove, double, nest, rename),
    *(borrow_text, borrow_text, borrow_text, borrow_text, renumber, renumber, renumber),
)


def _text(tree: Any) -> str:
    """Write a tree of texts as Humon."""
    if isinstance(tree, dict):
        tags = "".join(f" @{key[1:]}: {_quoted(value)}" for key, value in tree.items() if key.startswith("@"))
        rows = " ".join(f"{_quoted(k)}: {_text(v)}\n" for k, v in tree.items() if not k.startswith("@"))
        return f"{{{tags}\n {rows}}}"
    if isinstance(tree, list):
        return f"[{' '.join(_text(value) for value in tree)}]"
    return _quoted(tree)


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else _text(value)
    bare = text and all(char.isalnum() or char in "_.-/+" for char in text) and "//" not in text
    return text if bare else f'"{text}"'


def damaged(mutations: SceneMutations, seeds: list[int]) -> Iterator[tuple[int, list[str]]]:
    """Yield each seed and what it changed, while the project is damaged by it."""
    for seed in seeds:
        try:
            yield seed, mutations.damage(np.random.default_rng(seed))
        finally:
            mutations.mend()

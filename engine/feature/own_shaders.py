"""The shaders that features bring along: an assetDb for each such feature, in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from engine.assets import data_root
from engine.assets.roots import user_cache_folder
from engine.feature.contract import Feature
from engine.feature.registry import Registry
from engine.files.writing import write_whole

STAGES = {"vs": "vertex_shader_bit", "fs": "fragment_shader_bit", "cs": "compute_shader_bit"}
"""The stage of a shader by the end of its name."""


def feature_database(feature: Feature) -> str:
    """Return the name of the assetDb with a feature's own shaders."""
    return f"feature.{feature.type_name}"


def shader_databases(registry: Registry) -> Iterator[tuple[Path, Feature]]:
    """Yield the file of an assetDb for each feature that has shaders of its own, with the feature.

    Their sources are written once for each version of them; builtin includes (`frame.glsl`, `draws.glsl` and
    others) stand beside them. Nothing is yielded for a user without a cache folder. Raises OSError where a
    file cannot be written.
    """
    folder = user_cache_folder()
    for feature in registry.values():
        if feature.shaders and folder is not None:
            yield _written(feature, folder / "features"), feature


def _written(feature: Feature, folder: Path) -> Path:
    """Write a feature's sources where they are not there yet; return the file of its assetDb."""
    files = {f"{name}.glsl": text.encode() for name, text in feature.shaders.items()}
    builtin = sorted((data_root() / "assets" / "builtin" / "shader").glob("*.glsl"))
    files |= {path.name: path.read_bytes() for path in builtin if path.name.count(".") == 1}  # includes
    records = "\n".join(
        f"    {{ @type: shader  name: {name}  source: {name}.glsl  stage: {STAGES[name[-2:]]} }}"
        for name in feature.shaders
    )
    name = feature_database(feature)
    files["assets.hu"] = (
        f"assetDb: {{ name: {name}  cacheFile: {name}.ogCache  assets: [\n{records}\n] }}\n"
    ).encode()
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:16]
    own = folder / f"{feature.type_name}-{digest}"
    if not os.path.isfile(own / "assets.hu"):
        own.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():  # assets.hu is the last
            write_whole(own / file, content)
    return own / "assets.hu"

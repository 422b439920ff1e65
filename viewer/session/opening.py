"""Opening files from within a window: what panels call, whoever carries it out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

ENDINGS = (".hu", ".glb", ".gltf", ".obj")
"""Names of files that can be opened: scenes and models."""
SKIES = (".hdr", ".exr")
"""Names of pictures that can be nothing but a sky, of the model that is open."""
NO_SCENES = (".assets.hu", ".test.hu", ".snapshot.hu")
"""Other texts: databases and tests belong to scenes, snapshots of memory are shown by themselves."""


def is_openable(name: str) -> bool:
    """Whether a file is a scene or a model, by its name."""
    return name.lower().endswith(ENDINGS) and not name.lower().endswith(NO_SCENES)


class OpensFiles(Protocol):
    """Takes files that were chosen."""

    def open(self, files: Sequence[Path]) -> None:
        """Open files together; what goes wrong is reported, and the present scene stays."""


class Opening(OpensFiles, Protocol):
    """Opens scenes and models in place of the present one, which is drawn until they are there."""

    @property
    def is_possible(self) -> bool:
        """Whether another scene can be opened: not while a script plays or changes are recorded."""

    @property
    def under_way(self) -> str:
        """The names of the files that are being opened; empty for none."""

    def quit(self) -> None:
        """Close the window."""

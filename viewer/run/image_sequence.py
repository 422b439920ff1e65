"""Writes the frames of a run as numbered pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.graph import SCENE_COLOR
from viewer.run.output_files import save_light, save_picture

if TYPE_CHECKING:
    from viewer.numbered_files import NumberedFiles
    from viewer.run.device_recovery import RecoveringFrames


def save_numbered(sequence: NumberedFiles, number: int, frames: RecoveringFrames) -> None:
    """Write the last frame: what is shown as PNG, or the light of the scene as floats.

    Raises InputError `output.write` or `capture.write` where the file cannot be written.
    """
    path = sequence.path(number)
    if sequence.is_linear:
        save_light(path, frames.output(SCENE_COLOR))
    else:
        save_picture(path, frames.picture())

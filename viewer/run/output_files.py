"""The files that a run writes: the picture of its last frame and its report."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.humon import InputError, Problem
from engine.humon.saving import write_atomically

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from viewer.numbered_files import NumberedFiles
    from viewer.run.device_recovery import RecoveringFrames


def save_picture(path: Path, pixels: NDArray[np.uint8], *, alpha: bool = False) -> None:
    """Write uint8[height, width, 4], sRGB-encoded, as a PNG, opaque without `alpha`.

    Raises InputError `output.write`.
    """
    from PIL import Image

    encoded = io.BytesIO()
    Image.fromarray(pixels if alpha else pixels[..., :3]).save(encoded, "PNG")
    write_atomically(path, encoded.getvalue())


def save_light(path: Path, light: NDArray[np.float16]) -> None:
    """Write float16[height, width, 4], linear light multiplied by its coverage, as .exr or .hdr.

    A .hdr has no coverage. What is beyond the largest number is that. Raises InputError, see `CaptureError`.
    """
    import numpy as np

    from engine.storage.capture import CaptureError, write_float

    finite = np.nan_to_num(light)
    try:
        write_float(path, finite[..., :3] if path.suffix.lower() == ".hdr" else finite)
    except CaptureError as error:
        raise InputError(Problem(error.code, error.problem, help=error.help)) from error


def save_numbered(sequence: NumberedFiles, number: int, frames: RecoveringFrames) -> None:
    """Write the last frame: what is shown as PNG, or the light of the scene as floats.

    Raises InputError `output.write` or `capture.write` where the file cannot be written.
    """
    from engine.graph import SCENE_COLOR

    path = sequence.path(number)
    if sequence.is_linear:
        save_light(path, frames.output(SCENE_COLOR))
    else:
        save_picture(path, frames.picture())


def save_report(path: Path, report: dict[str, Any]) -> None:
    """Write the facts of the run as JSON. Raises InputError `output.write`."""
    write_atomically(path, json.dumps(report, indent=2) + "\n")

"""OpenEXR files that the package OpenEXR reads, in a process of its own: tiles, PIZ, DWAA and the like.

The package decodes files that anybody may have written, in C++. So it does it in a process with limits on
time and memory, which may crash; see `openexr_worker`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from engine.assets.codes import AssetCode
from engine.assets.importers.environment import openexr_worker
from engine.assets.importers.environment.light import PIXEL_BYTES, ROWS_AT_ONCE, Light, damaged, light_error
from engine.assets.importers.environment.openexr_header import ExrHeader
from engine.assets.limits import EXR_BYTES, EXR_SECONDS, EXR_START_BYTES
from engine.assets.tools.tool_process import ToolResult, run_tool, tool_folder
from engine.assets.tools.tools import Tool
from engine.files import reason_of
from engine.humon import InputError

_PACKAGE = "OpenEXR"
_WORKER = Path(openexr_worker.__file__)
_SMALLER = "save it with the channels R, G and B alone, or with the compression ZIP in scan lines"


def read_by_package(data: bytes, header: ExrHeader, name: str, take: Callable[[int], None]) -> Light:
    """Decode the picture of a file whose header was read, as its display window shows it.

    What is negative by no more than the error of its compression is 0. Raises InputError: `texture.package`
    where the package is not installed, `texture.size` where all channels take more than EXR_BYTES,
    `texture.memory` where there is no room for them on the disk, `texture.time` where it takes longer than
    EXR_SECONDS, `texture.decode` where the package refuses the file or ends.
    """
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        message = f"the OpenEXR file is {header.storage}, and the package 'OpenEXR' is not installed"
        hint = "install it: pip install 'diorama[import]', or save it with ZIP in scan lines"
        raise light_error(AssetCode.TEXTURE_PACKAGE, message, name, hint)
    size = header.row_bytes * header.data.height
    if size > EXR_BYTES:
        message = f"the channels of the OpenEXR file take {size >> 20} MiB, more than {EXR_BYTES >> 20}"
        raise light_error(AssetCode.TEXTURE_SIZE, message, name, _SMALLER)
    shown = header.shown
    take(2 * size + PIXEL_BYTES * shown.width * shown.height)
    try:
        with tool_folder() as folder:
            return _read_in(folder, data, header, name, size)
    except OSError as error:
        raise _without_room(name, reason_of(error)) from error


def _read_in(folder: Path, data: bytes, header: ExrHeader, name: str, size: int) -> Light:
    """Let the package write the planes of a file into a folder, and return what is shown of them."""
    spec = find_spec(_PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    folders = {str(Path(place).parent) for place in (spec.origin, str(Path(np.__file__).parent))}
    (folder / openexr_worker.SOURCE).write_bytes(data)
    arguments = ["-I", str(_WORKER), ",".join(dict.fromkeys(header.colors)), *sorted(folders)]
    limit = EXR_START_BYTES + 3 * size
    result = run_tool(
        Tool(sys.executable), arguments, folder, seconds=EXR_SECONDS, memory=limit, file_bytes=EXR_BYTES
    )
    if result.status == openexr_worker.NO_ROOM:
        raise _without_room(name, "the process that reads it cannot write")
    if result.was_stopped:
        how = f"took longer than {EXR_SECONDS:g} s" if result.timed_out else "was stopped by the system"
        message = f"reading the OpenEXR file, {header.storage}, {how}"
        hint = "open it again while the machine does less, or save it with the compression ZIP in scan lines"
        raise light_error(AssetCode.TEXTURE_TIME, message, name, hint)
    if result.status != 0:
        message = f"the OpenEXR file, {header.storage}, cannot be read: {_reason(result)}"
        raise damaged(message, name)
    return _shown(folder, header, name)


def _without_room(name: str, reason: str) -> InputError:
    message = f"there is no room for the numbers of the OpenEXR file among temporary files: {reason}"
    hint = "free some of the disk, or save it with the compression ZIP in scan lines"
    return light_error(AssetCode.TEXTURE_MEMORY, message, name, hint)


def _reason(result: ToolResult) -> str:
    if result.status == openexr_worker.NO_MEMORY:
        return "it takes more memory than its header says"
    if result.status == openexr_worker.UNREAD:
        return "its data is damaged, or of a kind that the package 'OpenEXR' does not know"
    return f"the package 'OpenEXR' {result.crash or f'ended with {result.output.strip()[-200:]!r}'}"


def _shown(folder: Path, header: ExrHeader, name: str) -> Light:
    """Return what is shown of the planes that the process has written."""
    stored, shown = header.data, header.shown
    dtypes = dict(header.channels)
    pixels = np.zeros((shown.height, shown.width, 3), np.float32)
    (rows, columns), (stored_rows, stored_columns) = header.overlap()
    for number, channel in enumerate(header.colors):
        path = folder / openexr_worker.plane_file(channel)
        dtype = dtypes[channel]
        if path.stat().st_size != dtype.itemsize * stored.width * stored.height:
            raise damaged("the OpenEXR file is of another size than its header says", name)
        plane = np.memmap(path, dtype, "r", shape=(stored.height, stored.width))
        target, source = pixels[rows, columns, number], plane[stored_rows, stored_columns]
        for at in range(0, len(target), ROWS_AT_ONCE):
            some = target[at : at + ROWS_AT_ONCE]
            some[...] = source[at : at + ROWS_AT_ONCE]
            some[(some < 0) & (some >= -header.error_around_zero)] = 0.0
    return pixels

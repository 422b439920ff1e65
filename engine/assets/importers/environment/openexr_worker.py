"""A program that reads one OpenEXR file with the package OpenEXR and writes channels of it as plain numbers.

It is run by its path in a folder with the file, and imports nothing of ours, so that a file which crashes the
package ends this process alone. Its arguments are the channels, with commas between them, then the folders
where packages are installed. Of files with mip levels it reads the finest.
"""

from __future__ import annotations

import os
import sys

SOURCE = "source"
NO_MEMORY, UNREAD, NO_ROOM = 3, 4, 5
"""Statuses of a process that had not the memory for a file, that could not read it, or not write numbers."""


def plane_file(channel: str) -> str:
    """Return the name of the file that has the numbers of a channel, row by row."""
    return f"plane{channel}"


def main() -> None:
    """Write each channel into a file of its own; a file that is not read ends the process with a status."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # its threads take address space, which is limited
    sys.path += sys.argv[2:]
    import numpy as np
    import OpenEXR

    try:
        channels = OpenEXR.File(SOURCE, separate_channels=True).channels()
        planes = {channel: channels[channel].pixels for channel in sys.argv[1].split(",")}
    except MemoryError:
        sys.exit(NO_MEMORY)
    except (ValueError, KeyError, RuntimeError, OSError):
        sys.exit(UNREAD)
    try:
        for channel, pixels in planes.items():
            np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<")).tofile(plane_file(channel))
    except OSError:
        sys.exit(NO_ROOM)


if __name__ == "__main__":
    main()

"""A program that reads one OpenEXR file with the package OpenEXR and writes channels of it as plain numbers.

It is run by its path in a folder with the file, and imports nothing of ours, so that a file which crashes the
package ends this process alone. Its arguments are the channels, with commas between them, then the folders
where packages are installed. Of files with mip levels it reads the finest.
"""

from __future__ import annotations

import os
import sys

SOURCE = "source"
NO_MEMORY, UNREAD = 3, 4
"""Statuses of a process that had not the memory for a file, and of one that could not read it."""


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
        for channel in sys.argv[1].split(","):
            pixels = channels[channel].pixels
            np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<")).tofile(plane_file(channel))
    except MemoryError:
        sys.exit(NO_MEMORY)
    except (ValueError, KeyError, RuntimeError, OSError):
        sys.exit(UNREAD)


if __name__ == "__main__":
    main()

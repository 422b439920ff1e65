"""The gate to the file system: files are opened without blocking, and written whole or not at all.

Only regular files are read. `engine.files.opening` opens and reads them, `engine.files.writing` writes them.
Both raise OSError; what is built on them turns that into problems with a code. `engine.files.streams` keeps
the standard streams usable.
"""

from engine.files.identity import identity_of
from engine.files.opening import (
    NotRegularError,
    OutsideError,
    open_below,
    open_lock_file,
    open_regular,
    read_regular,
    reason_of,
)
from engine.files.streams import printable, text_of
from engine.files.writing import whole_file, write_whole

__all__ = [
    "NotRegularError",
    "OutsideError",
    "identity_of",
    "open_below",
    "open_lock_file",
    "open_regular",
    "printable",
    "read_regular",
    "reason_of",
    "text_of",
    "whole_file",
    "write_whole",
]

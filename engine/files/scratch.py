"""Files without a name, for what memory should not hold; they are gone with the process, however it ends."""

from __future__ import annotations

import os
import tempfile
from typing import BinaryIO, cast


def scratch_file(folder: str | os.PathLike[str]) -> BinaryIO:
    """Return a new file on the disk of `folder`, open for writing and reading. Raises OSError."""
    return cast("BinaryIO", tempfile.TemporaryFile(dir=folder))

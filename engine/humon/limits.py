"""The limits that keep hostile input from exhausting stack, memory or time."""

from typing import Final

MAX_DEPTH: Final = 256
"""Deepest nesting of lists and dicts, the root counted as 1 where its braces are written."""

MAX_FILE_BYTES: Final = 256 * 1024 * 1024
"""Largest file that is read; a larger one is refused by its size."""

MAX_TOKEN_CHARS: Final = 16 * 1024 * 1024
"""Longest single key or value, quotes included."""

MAX_DIGITS: Final = 64
"""Longest text of one number."""

MAX_PROBLEMS: Final = 50
"""Problems collected from one file before reading stops."""

MAX_EXCERPT_CHARS: Final = 100
"""Longest piece of a source line that a problem shows."""

"""Limits that prevent hostile input from exhausting stack, memory or time."""

from typing import Final

MAX_DEPTH: Final = 256
"""Deepest nesting of lists and dicts; the root counts as 1 if its braces are written."""

MAX_FILE_BYTES: Final = 256 * 1024 * 1024
"""Size of the largest file that is read."""

MAX_TOKEN_CHARS: Final = 16 * 1024 * 1024
"""Longest single key or value, quotes included."""

MAX_METATAGS: Final = 256
"""Most metatags of one node; each new one is compared with all of them."""

MAX_DIGITS: Final = 64
"""Characters of the longest number."""

MAX_PROBLEMS: Final = 50
"""Problems in one file after which reading stops."""

MAX_EXCERPT_CHARS: Final = 100
"""Characters of a source line that a problem shows."""

MANY_NAMES: Final = 256
"""Known names of which all are compared with an unknown one; of more, only the most alike."""

NEIGHBOURS: Final = 32
"""Names before and after an unknown one, in alphabetical order, that are compared with it."""

MAX_SHOWN_NAMES: Final = 40
"""Known names that a problem lists; the others are counted."""

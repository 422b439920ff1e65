"""Limits of a scene, and the supported version of its format."""

FORMAT_VERSION = 1
"""The newest supported `version` of a scene file."""

MAX_FILES = 1024
"""Files of one scene at most."""

MAX_LISTED = 10_000
"""Names in a folder among which that of a missing file is looked for."""

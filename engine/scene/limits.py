"""What a scene may hold at most, and which versions of its format are known."""

FORMAT_VERSION = 1
"""The newest `version` of a scene file that is understood."""

MAX_FILES = 1024
"""Files that one scene may be made of."""

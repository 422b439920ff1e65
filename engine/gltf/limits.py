"""Limits of glTF files."""

MAX_JSON_BYTES = 1 << 28
"""Size of the largest JSON text, in bytes."""

MAX_NODES = 1 << 20
"""Most nodes of one file, with the instances that extensions make of them."""

MAX_DEPTH = 512
"""Most nodes below each other."""

MAX_ACCESSOR_ELEMENTS = 1 << 28
"""Most elements of one accessor without a buffer view, which are zeros."""

MAX_TARGETS = 1024
"""Most morph targets of one primitive."""

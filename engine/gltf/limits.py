"""Limits of glTF files."""

MAX_JSON_BYTES = 1 << 28
"""Size of the largest JSON text, in bytes."""

MAX_JSON_VALUES = 1 << 24
"""Most values of the JSON: each takes up to 64 bytes of memory."""

MAX_SOUGHT = 1 << 28
"""Characters of JSON looked through for the places of problems; later ones have their pointer alone."""

MAX_NODES = 1 << 18
"""Most nodes of one file, with the instances that extensions make of them."""

MAX_DEPTH = 120
"""Most nodes below each other: each takes two levels of a scene's text, which has at most 256."""

MAX_DISTANCE = 1e12
"""Largest coordinate of a node's transform, in metres; its square and its cube fit into 32 bits."""

MAX_ACCESSOR_ELEMENTS = 1 << 22
"""Most elements of one accessor without a buffer view, which are zeros: they take no byte of the file."""

MAX_TARGETS = 128
"""Most morph targets of one primitive, as a mesh has them."""

MAX_WEIGHT = 1000.0
"""Largest weight of a morph target, as the feature has it."""

"""The limits of what an asset may ask for, all in one place."""

MAX_SOURCE_BYTES = 1 << 30
"""Largest source file that is read, in bytes."""

MAX_SHADER_BYTES = 4 << 20
"""Largest GLSL source with its includes, and largest SPIR-V module, in bytes."""

MAX_TEXTURE_SIDE = 16384
"""Longest side of a texture, in pixels: maxImageDimension2D of common devices."""

MAX_TEXTURE_PIXELS = 1 << 26
"""Most pixels of one texture: 8192 squared, 256 MiB once it is decoded."""

MAX_VERTICES = 1 << 26
"""Most vertices of one mesh."""

MAX_INDICES = 1 << 28
"""Most indices of one mesh."""

MAX_BONES = 0xFFFF
"""Most bones of one skeleton: 0xffff itself means that a bone has no parent."""

MAX_ASSETS = 1 << 24
"""Most assets of one database."""

MAX_INCLUDES = 64
"""Most files one GLSL source may include, counting each inclusion."""

COMPILE_SECONDS = 20.0
"""Wall-clock time that one run of a shader compiler may take."""

COMPILE_BYTES = 2 << 30
"""Address space that one run of a shader compiler may use."""

LOCK_SECONDS = 120.0
"""How long a second process waits for the one that is cooking the same cache."""

CACHE_ALIGNMENT = 16
"""Every asset starts at a multiple of this many bytes in its cache."""

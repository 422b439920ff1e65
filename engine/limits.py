"""The limits that keep bad input from crashing or hanging a run: constants, in one place, with their reasons.

The limits of the text format lie in `engine/humon/limits.py`, because that package stands on its own; what a
device allows comes from its profile.
"""

MEBIBYTE = 1 << 20

# Pictures: checked against a file's header before a pixel is decoded (60,000 x 60,000 may be a 100 KB PNG).
PICTURE_SIDE = 16384
PICTURE_PIXELS = 1 << 28

# Meshes: an index is at most 32 bits, and one primitive-restart value is kept free.
MESH_VERTICES = (1 << 32) - 2
MESH_SOURCE_BYTES = 1024 * MEBIBYTE

# Shaders: sources are small; what is larger is not a shader.
SHADER_SOURCE_BYTES = 4 * MEBIBYTE
SPIRV_BYTES = 16 * MEBIBYTE

# The compiler runs in a child process, which is ended when it takes longer or asks for more.
COMPILER_SECONDS = 20.0
COMPILER_MEMORY_BYTES = 2048 * MEBIBYTE

# A second process on one assetDb waits this long for the lock, then reads what is there.
CACHE_LOCK_SECONDS = 60.0

# A lost device is rebuilt from the copies in memory, but not for ever.
DEVICE_REBUILDS = 3

"""Limits of assets, sources and the cook."""

MAX_SOURCE_BYTES = 1 << 30
"""Size of the largest source file, in bytes."""

MAX_SHADER_BYTES = 4 << 20
"""Size of the largest GLSL source with its includes, and of the largest SPIR-V module, in bytes."""

MAX_TEXTURE_SIDE = 16384
"""Longest side of a texture, in pixels: maxImageDimension2D of common devices."""

MAX_TEXTURE_PIXELS = 1 << 26
"""Most pixels of one texture: 8192 squared, 256 MiB decoded."""

MAX_LIGHT_PIXELS = 1 << 25
"""Most pixels of one picture of an environment: 8192 x 4096, 384 MiB decoded."""

MAX_CUBE_SIDE = 1024
"""Pixels of a face of the largest cube that an environment is cooked to: 64 MiB with its levels."""

MAX_EXR_ATTRIBUTES = 4096
"""Most attributes and channels in the header of one OpenEXR file."""

EXR_BYTES = 1 << 30
"""Most bytes of all channels of an OpenEXR file that the package OpenEXR reads, not compressed."""

EXR_START_BYTES = 1 << 29
"""Address space that the process for such a file takes beside three times its channels, in bytes."""

EXR_SECONDS = 30.0
"""Longest time in which that process reads a file, in seconds."""

MAX_PNG_CHUNKS = 1 << 20
"""Most chunks of one PNG file."""

MAX_JPEG_SCANS = 100
"""Most scans of one JPEG file; each may visit every pixel."""

MAX_VERTICES = 1 << 26
"""Most vertices of one mesh."""

MAX_INDICES = 1 << 28
"""Most indices of one mesh."""

MAX_SIMPLIFIED_INDICES = 3 << 22
"""Most indices of a mesh that coarser levels are made of: a minute of work, as 70,000 triangles take a
second."""

MAX_BONES = 0xFFFF
"""Most bones of one skeleton: 0xffff means no parent."""

MAX_BLEND_WEIGHTS = 8
"""Most bones that one vertex of a mesh follows."""

MAX_TARGETS = 128
"""Most morph targets of one mesh."""

MAX_DELTAS = 1 << 24
"""Most vertices that the targets of one mesh move, each counted once for each target."""

MAX_LODS = 16
"""Most levels of detail of one mesh."""

MAX_CHANNELS = 1 << 16
"""Most channels of one animation."""

MAX_KEYS = 1 << 24
"""Most keys of one animation."""

MAX_HINTS = 100
"""Wrong references of one file that get the nearest name as a hint, for which all names are compared."""

MAX_ASSETS = 1 << 24
"""Most assets of one database."""

MAX_INCLUDES = 64
"""Most files that one GLSL source may include, each inclusion counted."""

MAX_INCLUDE_DEPTH = 24
"""Most files that include each other in a row."""

MAX_CONDITION_DEPTH = 64
"""Most `#if` of a GLSL source that are open at one line, as the compiler has it."""

MAX_SHADER_VALUE_BYTES = 1 << 14
"""Most bytes of all variables of a compute shader that each invocation has, and of its largest value.

A driver in software keeps them on the stack of a thread, for 8 or 16 invocations at a time. Shaders of passes
have no such limit: another process tries them first (`engine.runtime.trials`).
"""

MAX_SHADER_TABLE_BYTES = 1 << 11
"""Most bytes of a compute shader's variables with an initial value, such as tables that are indexed.

A driver in software stores each element: 500 of them take 3 s to compile, 1,000 more than 10 s.
"""

MAX_SHARED_BYTES = 1 << 14
"""Most bytes of the variables that a work group shares: the least maxComputeSharedMemorySize."""

MAX_UNIFORM_BYTES = 1 << 14
"""Size of the largest uniform block, in bytes: the least maxUniformBufferRange."""

MAX_PUSH_BYTES = 128
"""End of the push constants, in bytes: the least maxPushConstantsSize."""

MAX_LOCATIONS = 16
"""Locations of inputs and outputs of a stage: the least maxVertexInputAttributes."""

MAX_SETS = 4
"""Descriptor sets of a pipeline: the least maxBoundDescriptorSets."""

MAX_BINDING = 255
"""Largest binding of a descriptor set, for which drivers make arrays."""

MAX_GROUP_SIZE = (1024, 1024, 64)
"""Most invocations of a work group along each axis."""

MAX_GROUP_INVOCATIONS = 1024
"""Most invocations of a work group."""

COMPILE_SECONDS = 20.0
"""Longest wall-clock time of one run of a shader compiler, in seconds."""

COMPILE_BYTES = 2 << 30
"""Largest address space of one run of a shader compiler, in bytes."""

COOK_BYTES = 2 << 30
"""Bytes of memory that the workers of a cook use at once; what alone needs more is imported alone."""

KEPT_BYTES = 64 << 20
"""Bytes of results that a cook has in memory until they are in the cache; what is more waits on the disk."""

LOCK_SECONDS = 120.0
"""How long a process waits for another one that cooks the same cache, in seconds."""

CACHE_ALIGNMENT = 16
"""Alignment of every asset in its cache, in bytes."""

BLOCK_SECONDS = 30.0
"""Longest time in which another process compresses or decodes 65,536 texels, in seconds."""

MAX_TIFF_TAGS = 4096
"""Most tags of the first picture of one TIFF file."""

MAX_TIFF_PARTS = 1 << 18
"""Most strips or tiles of one TIFF file."""

"""A program that compiles GLSL to SPIR-V for Vulkan 1.3, as its standard input says, with glslang's library.

It is run by its path, and imports nothing of ours. Its arguments are the paths of the library's three files.
A request is its REQUEST, then the text; the answer is its ANSWER, then the module: none where the text is not
compiled, with whatever the reason is.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Callable

REQUEST = struct.Struct("<II")
"""The stage, as an EShLanguage, and the bytes of the text."""
ANSWER = struct.Struct("<I")
"""The bytes of the module."""

_GLSL, _VULKAN, _SPIRV = 1, 1, 1
_VULKAN_1_3, _SPIRV_1_6 = 1 << 22 | 3 << 12, 1 << 16 | 6 << 8
_NO_PROFILE, _DEFAULT_VERSION = 1, 100
_MESSAGES = 1 << 3 | 1 << 4 | 1 << 7  # rules of SPIR-V and Vulkan, errors that follow from others


class _Input(ctypes.Structure):
    """glslang_input_t."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("language", "stage", "client", "client_version")),
        *((name, ctypes.c_int) for name in ("target", "target_version")),
        ("code", ctypes.c_char_p),
        *((name, ctypes.c_int) for name in ("version", "profile", "forces", "forward", "messages")),
        ("resource", ctypes.c_void_p),
        ("callbacks", ctypes.c_void_p * 3),
        ("context", ctypes.c_void_p),
    )


class _Options(ctypes.Structure):
    """glslang_spv_options_t: what the module has beside its code, as the program has it: nothing."""

    _fields_ = tuple((f"option{number}", ctypes.c_bool) for number in range(9))


def load(spirv: str, glslang: str, limits: str) -> Callable[[int, bytes], bytes]:
    """Load the library, and return what compiles a text for a stage: to nothing where it has errors."""
    writer = ctypes.CDLL(spirv, mode=ctypes.RTLD_GLOBAL)
    reader, resources = ctypes.CDLL(glslang), ctypes.CDLL(limits)
    for function in (reader.glslang_shader_create, reader.glslang_program_create):
        function.restype = ctypes.c_void_p
    resources.glslang_default_resource.restype = ctypes.c_void_p
    writer.glslang_program_SPIRV_get_size.restype = ctypes.c_size_t
    writer.glslang_program_SPIRV_get_ptr.restype = ctypes.c_void_p
    reader.glslang_initialize_process()
    options = _Options(option2=True)  # no optimizer

    def compiled(stage: int, text: bytes) -> bytes:
        given = _Input(
            *(_GLSL, stage, _VULKAN, _VULKAN_1_3, _SPIRV, _SPIRV_1_6, text),
            *(_DEFAULT_VERSION, _NO_PROFILE, 0, 0, _MESSAGES, resources.glslang_default_resource()),
        )
        shader = ctypes.c_void_p(reader.glslang_shader_create(ctypes.byref(given)))
        program = ctypes.c_void_p(reader.glslang_program_create())
        try:
            steps = (reader.glslang_shader_preprocess, reader.glslang_shader_parse)
            if not all(step(shader, ctypes.byref(given)) for step in steps):
                return b""
            reader.glslang_program_add_shader(program, shader)
            if not (
                reader.glslang_program_link(program, _MESSAGES) and reader.glslang_program_map_io(program)
            ):
                return b""
            writer.glslang_program_SPIRV_generate_with_options(program, stage, ctypes.byref(options))
            size = 4 * writer.glslang_program_SPIRV_get_size(program)
            return ctypes.string_at(writer.glslang_program_SPIRV_get_ptr(program), size)
        finally:
            reader.glslang_program_delete(program)
            reader.glslang_shader_delete(shader)

    return compiled


def main() -> None:
    """Answer requests until the input ends."""
    compiled = load(*sys.argv[1:])
    read, write = sys.stdin.buffer, sys.stdout.buffer
    while len(head := read.read(REQUEST.size)) == REQUEST.size:
        stage, size = REQUEST.unpack(head)
        module = compiled(stage, read.read(size))
        write.write(ANSWER.pack(len(module)))
        write.write(module)
        write.flush()


if __name__ == "__main__":
    main()

"""Random damage to GLSL and SPIR-V: to tokens, bytes, words, and includes of every spelling."""

from __future__ import annotations

import re

import numpy as np

WORDS = (
    *(
        "0",
        "-1",
        "2147483647",
        "4294967296u",
        "1e40",
        "0x80000000",
        "1.0lf",
        "vec4(1)",
        "uvec4(1)",
        "mat4(1)",
    ),
    *("double", "float16_t", "int64_t", "uint", "dvec4", "sampler3D", "image2D", "readonly", "writeonly"),
    *("flat", "sample", "centroid", "patch", "invariant", "shared", "const", "inout", "discard;", "return;"),
    *("gl_PointSize", "gl_ClipDistance[0]", "gl_PrimitiveID", "gl_SampleID", "gl_Layer", "gl_FragDepth"),
    *("[2147483647]", "[1000]", "[0]", "[]", "location = 31", "binding = 4000", "set = 7", "component = 3"),
    *("layout(push_constant)", "layout(local_size_x = 4096) in;", "layout(early_fragment_tests) in;"),
    *("#if 0\n", "#ifdef GL_core_profile\n", "#else\n", "#endif\n", "#define A B\n", "#define B A\n", "A"),
    *("#version 100\n", "#version 460\n", "#extension all : warn\n", "#pragma once\n", "#line 7\n", "\\\n"),
    *("#extension GL_GOOGLE_include_directive : enable\n", "/*", "*/", "//", '"', "for(;;) {}", "main();"),
)
INCLUDES = (
    *('\n#include "../secret.glsl"\n', "\n#include </etc/passwd>\n", '\n/**/#include"main.glsl"\n'),
    *('\n#inc\\\nlude "main.glsl"\n', '\n#include "gone.glsl"\n', "\n#include A\n", '\n#include "."\n'),
)
_TOKEN = re.compile(r"\w+|[^\w\s]")


_GENTLE = re.compile(r"\b(\d+\.?\d*|u?int|float|[iu]?vec[234]|mat[34]|readonly|flat|in|out|sampler\w+)\b")
_KINDS = (
    *(
        "0",
        "1",
        "2",
        "3",
        "4",
        "7",
        "16",
        "300",
        "100000",
        "2.5",
        "int",
        "uint",
        "float",
        "vec2",
        "vec3",
        "vec4",
    ),
    *(
        "uvec4",
        "ivec2",
        "mat3",
        "mat4",
        "",
        "flat",
        "sampler2D",
        "sampler2DShadow",
        "in",
        "out",
        "double",
        "bool",
    ),
)


_INTEGER = re.compile(r"(?<![\w.#])\d+(?![\w.])")
_INTEGERS = ("0", "1", "2", "3", "4", "5", "7", "9", "16", "31", "300", "5000", "100000")


def mutated(rng: np.random.Generator, text: str, gentle: float = 0.5) -> bytes:
    """GLSL with one to three edits, or (with the probability `gentle`) one that mostly still compiles.

    That is another number, of a location, binding or array, or another type or qualifier.
    """
    if rng.random() < gentle:
        kinds, words = (_INTEGER, _INTEGERS) if rng.random() < 0.6 else (_GENTLE, _KINDS)
        spans = [found.span() for found in kinds.finditer(text, text.index("\n"))]
        start, end = spans[rng.integers(len(spans))]
        return (text[:start] + words[rng.integers(len(words))] + text[end:]).encode()
    for _ in range(int(rng.integers(1, 4))):
        text = _edited(rng, text)
    return text.encode()


def _edited(rng: np.random.Generator, text: str) -> str:
    spans = [found.span() for found in _TOKEN.finditer(text)] or [(0, 0)]
    start, end = spans[rng.integers(len(spans))]
    other = text[slice(*spans[rng.integers(len(spans))])]
    word = WORDS[rng.integers(len(WORDS))]
    how = rng.random()
    if how < 0.25:
        return text[:start] + word + text[end:]
    if how < 0.45:
        return text[:start] + f" {word} " + text[start:]
    if how < 0.6:
        return text[:start] + other + text[end:]
    if how < 0.7:
        return text[:start] + text[end:]
    if how < 0.85:
        return text[:start] + INCLUDES[rng.integers(len(INCLUDES))] + text[start:]
    data = bytearray(text.encode())
    data[rng.integers(len(data))] = rng.integers(256)
    cut = int(rng.integers(1, len(data))) if how > 0.97 else None
    return data[:cut].decode("utf-8", "replace")


def damaged(rng: np.random.Generator, module: bytes) -> bytes:
    """SPIR-V with one to four words changed, or cut."""
    words = np.frombuffer(module, "<u4").copy()
    for _ in range(int(rng.integers(1, 5))):
        value = (0, 1, 0x7FFFFFFF, 0xFFFFFFFF, int(rng.integers(64)), int(rng.integers(6000)))[
            rng.integers(6)
        ]
        words[rng.integers(1, len(words))] = value
    if rng.random() < 0.05:
        words = words[: int(rng.integers(len(words)))]
    return words.tobytes()

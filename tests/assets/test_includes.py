"""Includes of GLSL: found as a preprocessor finds them, read through the gate, and never by the compiler."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from support.sampling import Sample

from engine.assets import ShaderStage
from engine.assets.files import FileGate
from engine.assets.importers.glsl_conditions import Answer, Conditions
from engine.assets.importers.shader import import_glsl
from engine.assets.importers.shader_source import ShaderSource, expand
from engine.assets.tools.tools import find_compiler
from engine.humon import InputError, Problem

SPELLINGS = {
    "plain": '#include "{}"',
    "indented": '\t #include "{}"',
    "no space": '#include"{}"',
    "angle brackets": "#include <{}>",
    "angle brackets without space": "#include<{}>",
    "space inside": '#  include   "{}"',
    "comment before": '/**/#include "{}"',
    "comment between": '#/* */include/* */"{}"',
    "comment behind": '#include "{}" // why',
    "comment over lines before": '/* one\n two */ #include "{}"',
    "continuation in the word": '#incl\\\nude "{}"',
    "continuation before the name": '#include \\\n "{}"',
    "continuation before the line": '\\\n#include "{}"',
    "continuation of a comment's begin": '/\\\n* here */#include "{}"',
    "carriage returns": '#include "{}"\r',
    "form feed": '\f#include\v"{}"',
    "extension": '#extension GL_GOOGLE_include_directive : require\n#include "{}"',
    "other extension": '#extension GL_ARB_shading_language_include : enable\n#include "{}"',
    "line directive": '#line 7\n#include "{}"',
    "behind a branch": '#if 1\n#else\n#endif\n#include "{}"',
    "in a live branch": '#ifndef GONE\n#include "{}"\n#endif',
    "in a branch of the compiler's": '#ifdef VULKAN\n#include "{}"\n#endif',
    "behind a quoted comment": '#pragma x("/*")\n#include "{}"',
}
VERTEX = "void main() {{ gl_Position = vec4({}); }}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    (tmp_path / "secret.glsl").write_text("const float SECRET = 1.0;\n", encoding="utf-8")
    return tmp_path / "root"


def source_of(folder: Path, text: str, **others: str) -> ShaderSource:
    """Expand `text` beside other files, named without their ending."""
    for name, content in others.items():
        (folder / f"{name}.glsl").write_text(content, encoding="utf-8", newline="")
    (folder / "main.glsl").write_text(text, encoding="utf-8", newline="")
    return expand(folder / "main.glsl", FileGate(folder))


def imported(folder: Path, text: str, **others: str) -> bytes:
    return import_glsl(source_of(folder, text, **others), ShaderStage.VERTEX, "main").data


def refused(folder: Path, text: str, **others: str) -> Problem:
    with pytest.raises(InputError) as caught:
        imported(folder, text, **others)
    return caught.value.problems[0]


def without_comments(text: str) -> str:
    """The text as its logical lines, by other means than the engine's."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\\\n", "")
    text = re.sub(r"//[^\n]*", "", text)
    return re.sub(r"/\*.*?(\*/|\Z)", " ", text, flags=re.DOTALL)


def assert_no_include(source: ShaderSource) -> None:
    """The compiler gets no include, and no extension that would allow one."""
    for text in (source.text, without_comments(source.text)):
        found = [line for line in text.split("\n") if re.match(r"[^\x21-\x7e]*#[^\x21-\x7e]*include\b", line)]
        assert not found
        assert not re.search(r"^[ \t\v\f]*#[ \t\v\f]*extension[ \t\v\f]+GL_\w+include", text, re.MULTILINE)


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_no_spelling_of_an_include_leaves_the_root(folder: Path, spelling: str) -> None:
    text = "#version 450\n" + spelling.format("../secret.glsl") + "\n" + VERTEX.format("SECRET")
    problem = refused(folder, text)
    assert problem.code == "file.outside"
    assert problem.position is not None
    lines = text.replace("\r", "").split("\n")
    line, column = problem.position.line, problem.position.column
    assert lines[line - 1][column - 1 :].startswith("../secret.glsl")


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_of_an_include_is_expanded(folder: Path, spelling: str) -> None:
    text = "#version 450\n" + spelling.format("part.glsl") + "\n" + VERTEX.format("PART")
    source = source_of(folder, text, part="const float PART = 0.5;\n")
    assert_no_include(source)
    assert source.files == [folder / "main.glsl", folder / "part.glsl"]
    assert len(source.stamps) == len(source.contents) == 2
    assert source.text.count("const float PART") == 1


@pytest.mark.parametrize("around", ["#if 0\n{}\n#endif\n", "/*\n{}\n*/\n", "#ifdef GONE\n{}\n#endif\n"])
@pytest.mark.parametrize("target", ["gone.glsl", "../secret.glsl", "/etc/passwd"])
def test_an_include_in_dead_code_or_a_comment_is_not_resolved(folder: Path, around: str, target: str) -> None:
    for name, spelling in SPELLINGS.items():
        if "comment" in name and around.startswith("/*"):
            continue
        source = source_of(
            folder, "#version 450\n" + around.format(spelling.format(target)) + VERTEX.format("1")
        )
        assert_no_include(source)
        assert source.files == [folder / "main.glsl"], name


def test_dead_includes_compile(folder: Path) -> None:
    dead = "".join(f"#if 0\n{spelling.format('gone.glsl')}\n#endif\n" for spelling in SPELLINGS.values())
    assert imported(folder, "#version 450\n" + dead + VERTEX.format("1"))


def test_the_compiler_decides_about_includes_that_depend_on_its_own_macros(folder: Path) -> None:
    text = '#version 450\n#if __VERSION__ > {}\n#include "gone.glsl"\n#endif\n'
    assert imported(folder, text.format(450) + VERTEX.format("1"))
    problem = refused(folder, text.format(440) + VERTEX.format("GONE"))
    assert (problem.code, problem.position and problem.position.line) == ("file.missing", 3)


def test_files_that_guard_themselves_may_include_each_other(folder: Path) -> None:
    first = '#ifndef A\n#define A\n#include "second.glsl"\nconst float FIRST = SECOND;\n#endif\n'
    second = '#ifndef B\n#define B\n#include "first.glsl"\nconst float SECOND = 1.0;\n#endif\n'
    text = '#version 450\n#include "first.glsl"\n#include "second.glsl"\n' + VERTEX.format("FIRST")
    assert imported(folder, text, first=first, second=second)


@pytest.mark.parametrize("around", ["{}", "#ifdef GL_core_profile\n{}\n#endif"])
def test_a_file_with_pragma_once_is_compiled_once(folder: Path, around: str) -> None:
    text = "#version 450\n" + (around.format('#include "part.glsl"') + "\n") * 2 + VERTEX.format("PART")
    part = '#pragma once\n#include "part.glsl"\nconst float PART = 1.0;\n'
    assert imported(folder, text, part=part)


def test_a_branch_that_the_compiler_leaves_out_uses_up_no_pragma_once(folder: Path) -> None:
    include = '#include "part.glsl"\n'
    text = f"#version 450\n#if __VERSION__ < 400\n{include}#endif\n{include}" + VERTEX.format("PART")
    assert imported(folder, text, part="#pragma once\nconst float PART = 1.0;\n")


def test_a_cycle_is_printed(folder: Path) -> None:
    other = '\n#include "main.glsl"\n'
    problem = refused(folder, '#version 450\n#include "other.glsl"\n', other=other)
    assert problem.code == "shader.include"
    assert re.search(r"main\.glsl -> \S*other\.glsl -> \S*main\.glsl$", problem.message)
    text = '#version 450\n#ifdef VULKAN\n#include "loop.glsl"\n#endif\n'
    problem = refused(folder, text + VERTEX.format("1"), loop='#include "loop.glsl"\n')
    assert "files include each other" in problem.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('#define NAME "part.glsl"\n#include NAME\n', "between quotes"),
        ("#include\n", "between quotes"),
        ('#include "part.glsl" more\n', "between quotes"),
        ('\u00a0#include "part.glsl"\n', "characters"),
        ('#\u00a0include "part.glsl"\n', "characters"),
        ('#include "part.glsl"\n' * 65, "more than 64"),
        ("#if 1\n" * 65, "more than 64 conditions"),
        ("int a;\n  /* open\n", "does not end"),
    ],
)
def test_an_include_that_cannot_be_expanded_is_an_error_with_its_place(
    folder: Path, text: str, message: str
) -> None:
    problem = refused(folder, "#version 450\n" + text, part="")
    assert message in problem.message
    assert problem.position is not None
    assert problem.position.line >= 2


def test_depth_and_bytes_of_includes_are_limited(folder: Path) -> None:
    for level in range(26):
        text = f'#include "{level + 1}.glsl"\n' if level < 25 else ""
        (folder / f"{level}.glsl").write_text(text, encoding="utf-8")
    assert "deeper than 24" in refused(folder, '#version 450\n#include "0.glsl"\n').message
    large = "//" + "x" * (1 << 20) + "\n"
    problem = refused(folder, "#version 450\n" + '#include "large.glsl"\n' * 5, large=large)
    assert "bytes are included" in problem.message


def test_errors_behind_comments_continuations_and_line_directives_have_their_line(folder: Path) -> None:
    text = "#version 450\n/* a\n b */ float x;\n#define \\\n Y 1\n#line 90\nvoid main() { z; }\n"
    problem = refused(folder, text)
    assert problem.position is not None
    assert (problem.position.line, problem.position.column) == (7, 15)
    problem = refused(folder, "#version 450\nint a; /* one\n two */ int b = c;\nvoid main() {}\n")
    assert (problem.position and problem.position.line) == 3


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        *(
            ("1", 2),
            ("0", 0),
            ("0x10 == 16 && 010 == 8u", 2),
            ("2 + 3 * 4 == 14", 2),
            ("(2 + 3) * 4 != 20", 0),
        ),
        *(("-7 / 2 == -3 && -7 % 2 == -1", 2), ("!1 || ~0 != -1", 0), ("1 << 4 >> 2 == 4", 2)),
        *(("7 & 3 ^ 1 | 8", 2), ("defined A", 2), ("defined(B)", 0), ("defined ( A ) && A > 2", 2)),
        *(("A == 3 && TWICE == 6", 2), ("SELF", 1), ("NOBODY", 1), ("0 && NOBODY", 0), ("1 || NOBODY", 2)),
        *(("GL_EXT_x", 1), ("VULKAN", 1), ("__VERSION__ >= 450", 1), ("F(1)", 1), ("defined F", 2)),
        *(("1 / 0", 1), ("1 << 40", 1), ("99999999999", 1), ("2147483647 + 1", 1), ("", 1), ("(1", 1)),
        *(("1 1", 1), ("1 ? 1 : 0", 1), ("@", 1), ("(" * 500 + "1" + ")" * 500, 1), ("!" * 5000 + "1", 1)),
        *(("defined", 1), ("defined(", 1), ("09", 1), ("EMPTY + 1", 2), ("EMPTY", 1)),
    ],
)
def test_conditions_are_decided_where_the_compilers_macros_do_not_matter(condition: str, answer: int) -> None:
    conditions = Conditions()
    for text in ("A 3", "TWICE (A + A)", "SELF SELF", "F(x) x", "EMPTY"):
        conditions.directive("define", text)
    conditions.directive("if", condition)
    assert conditions.live == Answer(answer)


def test_hostile_conditions_take_bounded_time() -> None:
    conditions = Conditions()
    for number in range(20_000):
        conditions.directive("define", f"M{number} M{number + 1} + M{number + 1}")
    for _ in range(2000):
        conditions.directive("if", "M0")
        conditions.directive("endif", "")
    assert conditions.live is Answer.YES


_LINES = (
    *("#if {}", "#if {}", "#ifdef {m}", "#ifndef {m}", "#elif {}", "#else", "#endif", "#endif"),
    *("#define {m} {}", "#define {m} {}", "#undef {m}"),
)
_CONDITIONS = (
    *("1", "0", "{m}", "defined {m}", "!defined({m})", "{m} > 1 || defined {m}", "({m} + 1) % 2", "VULKAN"),
    *("GL_core_profile && {m}", "defined GL_none", "{m} == 2 && 1", "__VERSION__ < 450"),
)


def _random_lines(rng: np.random.Generator, count: int) -> Iterator[str]:
    """Directives over macros A to D, whose values are numbers, as a compiler accepts them."""
    open_groups: list[bool] = []
    for _ in range(count):
        line = str(rng.choice(_LINES))
        if line == "#if {}" or line.startswith(("#ifdef", "#ifndef")):
            if len(open_groups) > 20:
                continue
            open_groups.append(False)
        elif line.startswith("#e"):
            if not open_groups or (open_groups[-1] and line != "#endif"):
                continue
            if line == "#else":
                open_groups[-1] = True
            elif line == "#endif":
                open_groups.pop()
        what = "{}" if line.startswith("#define") else str(rng.choice(_CONDITIONS))
        what = what.format(int(rng.integers(4)), m="ABCD"[rng.integers(4)])
        if line.startswith("#define {m}"):
            name = "ABCD"[rng.integers(4)]
            yield f"#undef {name}"
        else:
            name = "ABCD"[rng.integers(4)]
        yield line.format(what, m=name)
    yield from ["#endif"] * len(open_groups)


def test_an_answer_about_a_line_is_the_compilers(tmp_path: Path, sample: Sample) -> None:
    compiler = find_compiler()
    assert compiler is not None
    for seed in sample.seeds(1, 200):
        text, answers = ["#version 450"], []
        conditions = Conditions()
        for number, line in enumerate(_random_lines(np.random.default_rng(seed), 150)):
            text += [line, f"mark_{number}"]
            name, _, rest = line[1:].partition(" ")
            conditions.directive(name, rest)
            answers.append(conditions.live)
        (tmp_path / "a.vert").write_text("\n".join(text) + "\n", encoding="utf-8")
        ran = subprocess.run(
            [compiler.path, "-E", "a.vert"],
            cwd=tmp_path,
            env=compiler.environment,
            capture_output=True,
            text=True,
        )
        live = {int(number) for number in re.findall(r"mark_(\d+)", ran.stdout)}
        assert live, ran.stdout + ran.stderr
        wrong = [
            n
            for n, answer in enumerate(answers)
            if answer is not Answer.MAYBE and (answer > 0) != (n in live)
        ]
        assert not wrong, (seed, "\n".join(text))


_PIECES = (
    *('#include "../secret.glsl"', "#include</etc/passwd>", "#include", '"../secret.glsl"', "include", "#"),
    *("/*", "*/", "//", "\\\n", "\n", "\n", "\r", " ", "\t", "\f", "\0", "\u2028", '"', "'", "??/\n", "%:"),
    *("#define I include", "#I", "##", "#if 0\n", "#else\n", "#endif\n", "#ifdef VULKAN\n", "#pragma once\n"),
    *(
        "#extension all : warn\n",
        "#extension GL_GOOGLE_include_directive : enable\n",
        "void main() {}\n",
        "x",
    ),
)


def test_no_text_makes_the_compiler_open_a_file(tmp_path: Path, sample: Sample) -> None:
    expanded = 0
    for seed in sample.seeds(150, 20_000):
        rng = np.random.default_rng(seed)
        picked = rng.choice(len(_PIECES), int(rng.integers(2, 16)))
        text = "#version 450\n" + "".join(_PIECES[index] for index in picked)
        with suppress(InputError):
            assert_no_include(source_of(tmp_path, text))
            expanded += 1
    assert expanded

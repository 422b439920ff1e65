"""Plans, profiles, goldens and findings that were changed by hand or damaged are errors of the input."""

from __future__ import annotations

import json
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from support.sampling import Sample

from engine.cli.main import main
from engine.testing.comparison.pictures import from_png, to_png
from engine.testing.goldens.findings import Finding, FindingKind, Findings, State, accept

Rng = np.random.Generator
TOKEN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?|[A-Za-z_]\w*|[\[\]{}:,\"]")
HOSTILE = (
    "0",
    "-1",
    "1",
    str(2**31),
    str(2**32),
    str(2**63),
    str(2**64),
    "9" * 50,
    "1e999",
    "NaN",
    "0.5",
    "null",
    "true",
    "x",
    '""',
    "[",
    "]",
    "{",
    "}",
    "[ ]",
    "{ }",
    "vertex_buffer_bit",
    "\u0663",
)


def mutated(rng: Rng, text: str) -> str:
    """Change, remove or repeat some words or lines of a text."""
    for _ in range(int(rng.integers(1, 4))):
        if not TOKEN.search(text):
            break
        if rng.integers(3) == 0:
            lines = text.splitlines(keepends=True)
            at = int(rng.integers(len(lines)))
            other = lines[int(rng.integers(len(lines)))]
            lines[at : at + 1] = [[], [lines[at], lines[at]], [other]][int(rng.integers(3))]
            text = "".join(lines)
        else:
            words = list(TOKEN.finditer(text))
            word = words[int(rng.integers(len(words)))]
            new = HOSTILE[int(rng.integers(len(HOSTILE)))]
            if re.fullmatch(r"-?[0-9]+", word[0]) and rng.integers(2):
                new = str(int(word[0]) + int(rng.integers(-2, 3)) * int(rng.choice([1, 16, 4096])))
            text = text[: word.start()] + new + text[word.end() :]
    return text


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plan") / "plan.hu"
    assert main(["plan", "scenes/cube.hu", "--out", str(path)]) == 0
    return path


def ends_well(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> bool:
    code = main(arguments)
    error = capsys.readouterr().err
    return (code == 0 and "error[" not in error) or (code == 2 and "error[" in error)


def test_changed_plans_are_compared_or_are_errors(
    plan: Path, tmp_path: Path, sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    text, path = plan.read_text(encoding="utf-8"), tmp_path / "changed.hu"
    for seed in sample.seeds(8, 1000):
        rng = np.random.default_rng(seed)
        path.write_text(mutated(rng, text), encoding="utf-8")
        pair = [str(path), str(plan)] if rng.integers(2) else [str(plan), str(path)]
        assert ends_well(capsys, ["diff", *pair]), seed


def test_changed_profiles_are_planned_for_or_are_errors(
    root: Path, tmp_path: Path, sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, path = (root / "assets/profiles/lavapipe.json").read_text(), tmp_path / "changed.json"
    scene = tmp_path / "scene.hu"
    scene.write_text("tableau: { name: t  objects: { eye: { features: [{ @type: camera }] } } }")
    for seed in sample.seeds(8, 1000):
        path.write_text(mutated(np.random.default_rng(seed), whole), encoding="utf-8")
        assert ends_well(capsys, ["plan", str(scene), "--profile", str(path)]), seed


def crc_repaired(data: bytearray) -> bytes:
    """Correct the checksums of a PNG's chunks, as far as their lengths lead."""
    at = 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            break
        struct.pack_into(">I", data, end, zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return bytes(data)


def test_a_damaged_golden_picture_is_no_readable_png(sample: Sample) -> None:
    whole = to_png(np.arange(40 * 30 * 3, dtype=np.uint8).reshape(30, 40, 3), {"Comment": "made on x"})
    for seed in sample.seeds(200, 5000):
        rng = np.random.default_rng(seed)
        data = bytearray(whole)
        for _ in range(int(rng.integers(1, 6))):
            place = int(rng.integers(8, 33)) if rng.integers(2) else int(rng.integers(len(data)))
            data[place] = int(rng.integers(256))
        content = bytes(data[: int(rng.integers(len(data)))]) if rng.integers(4) == 0 else crc_repaired(data)
        try:
            picture, texts = from_png(content)
        except ValueError:
            continue
        assert picture.nbytes <= 3 << 26
        assert all(isinstance(text, str) for text in texts.values())


def finding(folder: Path) -> Finding:
    golden = folder / "goldens" / "cube.png"
    return Finding(
        "t::x", "cube.png", FindingKind.PICTURE, State.NEW, "new", golden, "llvmpipe", b"old", b"new"
    )


def test_a_changed_finding_is_left_out_and_never_written_elsewhere(tmp_path: Path, sample: Sample) -> None:
    folder = tmp_path / "findings"
    findings = Findings(folder)
    findings.add(finding(tmp_path))
    (path,) = folder.glob("*.json")
    whole = path.read_text(encoding="utf-8")
    for seed in sample.seeds(50, 2000):
        path.write_text(mutated(np.random.default_rng(seed), whole), encoding="utf-8")
        for found in findings:
            assert found.golden.parent.name == "goldens"
    fields = json.loads(whole)
    for name in (".bashrc", "goldens/../cube.png", "x/cube.png", "goldens/.."):
        path.write_text(json.dumps(fields | {"golden": str(tmp_path / name)}), encoding="utf-8")
        assert accept(findings) == []
    path.write_text(whole, encoding="utf-8")
    assert accept(findings) == [tmp_path / "goldens" / "cube.png"]

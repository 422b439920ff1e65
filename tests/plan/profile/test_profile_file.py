from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support.random_scenes import NAMES, PROFILES, profile

from engine.plan.profile.device_profile import DeviceProfile, ImageFact, MemoryRequirements
from engine.plan.profile.profile_file import profile_from_json, profile_to_json, read_profile
from engine.plan.profile.profile_recording import recorded
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.errors import ProfileError
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, MemoryProperty

RECORDED = sorted(path.stem for path in PROFILES.glob("*.json"))


def value(name: str = "unified") -> dict:
    return json.loads(profile_to_json(profile(name)))


@pytest.mark.parametrize("name", RECORDED)
def test_profiles_in_the_repository_read_and_write_the_same_bytes(name):
    text = (PROFILES / f"{name}.json").read_text()
    assert profile_to_json(profile_from_json(text)) == text


def test_there_is_a_profile_for_each_kind_of_memory():
    assert set(NAMES) <= set(RECORDED)
    unified, window, coarse = (profile(name) for name in ("unified", "discrete-window", "coarse"))
    both = MemoryProperty.DEVICE_LOCAL | MemoryProperty.HOST_VISIBLE
    assert any(both & t.properties == both for t in unified.memory_types)
    assert [h.size for h in window.heaps if h.size < 1 << 30] == [256 << 20]
    assert coarse.limits.buffer_image_granularity > 65536
    assert coarse.limits.max_memory_allocation_count == 4096


@pytest.mark.parametrize(
    ("path", "broken", "words"),
    [
        (("limits", "nonCoherentAtomSize"), None, "limits.nonCoherentAtomSize is missing"),
        (("limits", "nonCoherentAtomSize"), 0, "limits.nonCoherentAtomSize is 0, not from 1"),
        (("limits", "nonCoherentAtomSize"), 48, "limits.nonCoherentAtomSize is 48, not a power of two"),
        (("limits", "minUniformBufferOffsetAlignment"), 1 << 70, "not from 1 to 4294967296"),
        (("limits", "maxImageDimension2D"), None, "limits.maxImageDimension2D is missing"),
        (("limits", "framebufferSampleCounts"), 8, "limits.framebufferSampleCounts lacks 1"),
        (("heaps", 0, "size"), 1 << 70, r"heaps\[0\].size is \d+, not from 0 to 17592186044416"),
        (("heaps", 0, "size"), -5, r"heaps\[0\].size is -5, not from 0"),
        (("memoryTypes",), [{"heap": 0, "properties": []}] * 33, "memoryTypes has 33 entries"),
        (("queueFamilies", 0, "imageGranularity"), [1, -1, 1], r"imageGranularity\[1\] is -1"),
        (("queueFamilies", 0, "imageGranularity"), [1], "imageGranularity has 1 entries, not 3"),
        (("buffers", "typeBits"), 1 << 32, "buffers.typeBits is 4294967296, not from 0"),
        (("images", "rowMultiple"), 0, "images.rowMultiple is 0, not from 1"),
        (("images", "alignment"), 3, "images.alignment is 3, not a power of two"),
        (("facts",), [{"dims": [4]}], r"facts\[0\].dims has 1 entries, not 2"),
        (("limits", "nonCoherentAtomSize"), "x", "limits.nonCoherentAtomSize is not an integer"),
        (("memoryTypes", 1, "heap"), 7, r"memoryTypes\[1\].heap is 7, but there are 1 heaps"),
        (
            ("memoryTypes", 1, "properties"),
            ["deviceLocl"],
            r"memoryTypes\[1\].properties has an unknown value",
        ),
        (("memoryTypes",), [], "memoryTypes has 0 entries"),
        (("memoryTypes",), {}, "memoryTypes is not a list"),
        (("heaps", 0, "deviceLocal"), 1, r"heaps\[0\].deviceLocal is not true or false"),
        (("queueFamilies", 0, "kinds"), ["grafics"], r"queueFamilies\[0\].kinds has an unknown value"),
        (("buffers", "sizeMultiple"), 0, "buffers.sizeMultiple is 0, not from 1"),
        (("images", "alignment"), None, "images.alignment is missing"),
        (("name",), 5, "name is not a string"),
        (("lacks",), ["r8_unorm"], "lacks has an unknown value"),
        (("lacks",), 5, "lacks has an unknown value"),
        (("schema",), 2, "schema is not 1"),
    ],
)
def test_an_invalid_field_of_a_profile_is_named(path, broken, words):
    root = value()
    at = root
    for part in path[:-1]:
        at = at[part]
    if broken is None:
        del at[path[-1]]
    else:
        at[path[-1]] = broken
    with pytest.raises(ProfileError, match=words):
        profile_from_json(json.dumps(root))


def leaves(at: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Paths to all values in `at`, containers included; of lists only the first entry is followed."""
    inside = at.items() if isinstance(at, dict) else enumerate(at[:1]) if isinstance(at, list) else ()
    for key, child in inside:
        yield from leaves(child, (*path, key))
    yield path


def shortened(at: Any) -> Any:
    """The same with the long lists of facts cut: all of their entries are read alike."""
    if isinstance(at, dict):
        return {key: shortened(child) for key, child in at.items()}
    return [shortened(child) for child in at[:40]] if isinstance(at, list) else at


@pytest.mark.parametrize("hostile", [-1, 0, 1 << 70, float("inf"), "x", "0x", None, True, [], [[]], {}])
def test_any_value_in_a_profile_is_accepted_or_raises_a_profile_error(hostile):
    refused, text = 0, json.dumps(shortened(value("lavapipe")))
    for path in leaves(json.loads(text)):
        root = at = json.loads(text)
        for part in path[:-1]:
            at = at[part]
        if path:
            at[path[-1]] = hostile
        try:
            profile_from_json(json.dumps(root if path else hostile))
        except ProfileError:
            refused += 1
    assert refused > 20


@pytest.mark.parametrize("text", ["", "[", "[" * 100_000, "7", "null"])
def test_text_that_is_no_profile_raises_a_profile_error(text):
    with pytest.raises(ProfileError):
        profile_from_json(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{\n"schema": NaN}', r"NaN is no number of JSON at line 2, column 11"),
        ("{\n  schema: 1}", r"there is no key in double quotes here at line 2, column 3"),
        (f'{{"schema": {"9" * 5000}}}', r"schema is 9{20,60}\.\.\., not from 0 to"),
        ('{"schema": null}', r"schema is not an integer: null"),
    ],
)
def test_what_is_wrong_in_the_text_of_a_profile_has_its_place_and_plain_words(text, words):
    with pytest.raises(ProfileError, match=words):
        profile_from_json(text)


def test_a_missing_file_raises_a_profile_error(tmp_path):
    with pytest.raises(ProfileError, match=r"gone\.json: no such file"):
        read_profile(tmp_path / "gone.json")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_reading_a_fifo_as_a_profile_fails_without_blocking(tmp_path):
    os.mkfifo(tmp_path / "fifo.json")
    with pytest.raises(ProfileError, match=r"fifo\.json: not a regular file"):
        read_profile(tmp_path / "fifo.json")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "not UTF-8 text"),
        (b"{}", "schema is missing"),
        (b" " * (17 << 20), "more than the limit"),
    ],
    ids=["not text", "no field", "too large"],
)
def test_an_error_in_a_profile_names_its_file(tmp_path, content, words):
    (tmp_path / "mine.json").write_bytes(content)
    with pytest.raises(ProfileError, match=rf"mine\.json: .*{words}"):
        read_profile(tmp_path / "mine.json")


def test_images_without_a_fact_are_estimated():
    device = profile("lavapipe")
    usage = ImageUsage.SAMPLED | ImageUsage.TRANSFER_DST | ImageUsage.TRANSFER_SRC
    known = device.image_requirements(ImageShape(Format.R8G8B8A8_UNORM, 256, 256, 9), 1, usage)
    assert (known.size, known.estimated) == (350_464, False)
    odd = device.image_requirements(ImageShape(Format.R8G8B8A8_UNORM, 100, 30), 1, usage)
    assert (odd.size, odd.estimated) == (14_336, True)  # lavapipe reports the same size
    other = device.image_requirements(ImageShape(Format.R8G8B8A8_UNORM, 256, 256, 9), 1, ImageUsage.SAMPLED)
    assert (other.size, other.estimated) == (known.size, True)


class Answers:
    """A device with memory requirements that no rule gives."""

    def buffer(self, size: int, usage: BufferUsage) -> MemoryRequirements:
        return MemoryRequirements(size + 1, 8, 1)

    def image(self, shape: ImageShape, layers: int, usage: ImageUsage) -> MemoryRequirements:
        return MemoryRequirements(shape.width * shape.height * layers + 7, 64, 1)


def test_a_live_device_is_queried_and_can_be_recorded():
    live = replace(profile("unified"), measure=Answers(), _cache={})
    shape = ImageShape(Format.R8G8B8A8_SRGB, 64, 64, 7)
    usage = ImageUsage.SAMPLED | ImageUsage.TRANSFER_DST | ImageUsage.TRANSFER_SRC
    assert live.buffer_requirements(9, BufferUsage.VERTEX_BUFFER) == MemoryRequirements(10, 8, 1)
    kept: DeviceProfile = profile_from_json(profile_to_json(recorded(live)))
    assert kept.image_requirements(shape, 2, usage) == MemoryRequirements(64 * 64 * 2 + 7, 64, 1)


def test_recording_keeps_no_estimates():
    assert recorded(profile("unified")).facts == ()


def test_usages_narrow_the_memory_types_of_a_buffer():
    coarse = profile("coarse")
    assert coarse.buffer_requirements(10, BufferUsage.VERTEX_BUFFER).type_bits == 0b111
    both = BufferUsage.VERTEX_BUFFER | BufferUsage.UNIFORM_TEXEL_BUFFER
    assert coarse.buffer_requirements(10, both).type_bits == 0b110


def test_a_fact_applies_only_to_its_shape_layers_and_usage():
    shape = ImageShape(Format.R8_UNORM, 3, 3)
    fact = ImageFact(shape, 1, ImageUsage.SAMPLED, MemoryRequirements(77, 1, 1))
    device = replace(profile("unified"), facts=(fact,), _cache={})
    assert device.image_requirements(shape, 1, ImageUsage.SAMPLED).size == 77
    assert device.image_requirements(shape, 2, ImageUsage.SAMPLED).size != 77

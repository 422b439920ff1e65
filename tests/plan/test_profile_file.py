from __future__ import annotations

import json
from dataclasses import replace

import pytest
from support.random_scenes import NAMES, PROFILES, profile

from engine.plan.errors import ProfileError
from engine.plan.formats import Format
from engine.plan.profile import DeviceProfile, ImageFact, Needs
from engine.plan.profile_file import profile_from_json, profile_to_json, read_profile
from engine.plan.recording import recorded
from engine.plan.requirements import ImageShape
from engine.plan.vocabulary import BufferUsage, ImageUsage, MemoryProperty

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
        (("limits", "nonCoherentAtomSize"), 0, "limits.nonCoherentAtomSize is 0"),
        (("limits", "nonCoherentAtomSize"), "x", "limits.nonCoherentAtomSize is no whole number"),
        (("memoryTypes", 1, "heap"), 7, r"memoryTypes\[1\].heap is 7, and there are 1 heaps"),
        (
            ("memoryTypes", 1, "properties"),
            ["deviceLocl"],
            r"memoryTypes\[1\].properties has an unknown value",
        ),
        (("memoryTypes",), [], "memoryTypes is empty"),
        (("memoryTypes",), {}, "memoryTypes is no list"),
        (("heaps", 0, "deviceLocal"), 1, r"heaps\[0\].deviceLocal is not true or false"),
        (("queueFamilies", 0, "kinds"), ["grafics"], r"queueFamilies\[0\].kinds has an unknown value"),
        (("buffers", "sizeMultiple"), 0, "buffers.sizeMultiple is 0"),
        (("images", "alignment"), None, "images.alignment is missing"),
        (("name",), 5, "name is no text"),
        (("schema",), 2, "schema is not 1"),
    ],
)
def test_what_is_wrong_in_a_profile_is_named(path, broken, words):
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


@pytest.mark.parametrize("text", ["", "[", "[" * 100_000, "7", "null"])
def test_what_is_no_profile_is_an_error_of_ours(text):
    with pytest.raises(ProfileError):
        profile_from_json(text)


def test_a_missing_file_is_an_error_of_ours(tmp_path):
    with pytest.raises(ProfileError, match=r"gone\.json"):
        read_profile(tmp_path / "gone.json")


def test_images_no_fact_tells_of_are_estimated():
    device = profile("lavapipe")
    usage = ImageUsage.SAMPLED | ImageUsage.TRANSFER_DST | ImageUsage.TRANSFER_SRC
    known = device.image_requirements(ImageShape(Format.R8G8B8A8_UNORM, 256, 256, 9), 1, usage)
    assert (known.size, known.estimated) == (350_464, False)
    odd = device.image_requirements(ImageShape(Format.R8G8B8A8_UNORM, 100, 30), 1, usage)
    assert (odd.size, odd.estimated) == (14_336, True)  # what lavapipe says, too
    other = device.image_requirements(ImageShape(Format.R8G8B8A8_UNORM, 256, 256, 9), 1, ImageUsage.SAMPLED)
    assert (other.size, other.estimated) == (known.size, True)


class Answers:
    """A device that says what it likes."""

    def buffer(self, size: int, usage: BufferUsage) -> Needs:
        return Needs(size + 1, 8, 1)

    def image(self, shape: ImageShape, layers: int, usage: ImageUsage) -> Needs:
        return Needs(shape.width * shape.height * layers + 7, 64, 1)


def test_a_live_device_is_asked_and_can_be_recorded():
    live = profile("unified").with_measure(Answers())
    shape = ImageShape(Format.R8G8B8A8_SRGB, 64, 64, 7)
    usage = ImageUsage.SAMPLED | ImageUsage.TRANSFER_DST | ImageUsage.TRANSFER_SRC
    assert live.buffer_requirements(9, BufferUsage.VERTEX_BUFFER) == Needs(10, 8, 1)
    kept: DeviceProfile = profile_from_json(profile_to_json(recorded(live)))
    assert kept.image_requirements(shape, 2, usage) == Needs(64 * 64 * 2 + 7, 64, 1)


def test_recording_keeps_no_guesses():
    assert recorded(profile("unified")).facts == ()


def test_usages_narrow_the_types_a_buffer_may_have():
    coarse = profile("coarse")
    assert coarse.buffer_requirements(10, BufferUsage.VERTEX_BUFFER).type_bits == 0b111
    both = BufferUsage.VERTEX_BUFFER | BufferUsage.UNIFORM_TEXEL_BUFFER
    assert coarse.buffer_requirements(10, both).type_bits == 0b110


def test_facts_are_found_by_all_they_are_facts_of():
    shape = ImageShape(Format.R8_UNORM, 3, 3)
    fact = ImageFact(shape, 1, ImageUsage.SAMPLED, Needs(77, 1, 1))
    device = replace(profile("unified"), facts=(fact,), _cache={})
    assert device.image_requirements(shape, 1, ImageUsage.SAMPLED).size == 77
    assert device.image_requirements(shape, 2, ImageUsage.SAMPLED).size != 77

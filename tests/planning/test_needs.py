"""What passes need: targets for the samples of the device, room by powers of two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.random_scenes import profile

from engine.feature.requirement_builders import image_requirement
from engine.graph import SCENE_COLOR, ImageDecl, ImageLifetime, Samples, stand_in_name
from engine.plan import BufferUsage, Kind, Requirement
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import Access, Contents, ImageUsage
from engine.planning.draw.drawing import material_table_name
from engine.planning.draw.instance_blocks import capacity
from engine.planning.frame_passes import MAX_SAMPLES
from engine.planning.scene import ScenePlanner
from engine.planning.shortage import MAX_NAMED, _named


@pytest.mark.parametrize(
    ("count", "room"), [(0, 16), (1, 16), (16, 16), (17, 32), (32, 32), (33, 64), (1025, 2048)]
)
def test_room_is_the_next_power_of_two_and_sixteen_at_least(count, room):
    assert capacity(count) == room


def test_room_may_be_as_little_as_one():
    assert [capacity(count, 1) for count in (0, 1, 2, 3)] == [1, 1, 2, 4]


@pytest.mark.parametrize(
    ("counts", "samples"), [(1, 1), (3, 2), (1 | MAX_SAMPLES, MAX_SAMPLES), (127, MAX_SAMPLES)]
)
def test_attachments_have_as_many_samples_as_the_device_can_up_to_a_limit(cube, counts, samples):
    scene, library = cube
    device = profile("unified")
    limits = replace(device.limits, framebuffer_sample_counts=counts)
    planner = ScenePlanner(
        scene.tableau, scene.registry, library, replace(device, limits=limits, _cache={}), (64, 64)
    )
    assert planner.samples == samples


def test_material_tables_are_named_by_pass_and_shader_set():
    assert material_table_name("forward", 3) == "forward.materials.3"


def test_a_sentence_names_eight_assets_and_counts_the_others():
    keys = np.arange(MAX_NAMED + 2)
    assert _named(keys[:MAX_NAMED], str) == "0, 1, 2, 3, 4, 5, 6, 7"
    assert _named(keys[: MAX_NAMED + 1], str) == "0, 1, 2, 3, 4, 5, 6, 7 and 1 more"
    assert _named(keys, str).endswith("7 and 2 more")


def test_what_others_request_is_in_the_plan_with_its_requester(cube):
    scene, library = cube

    class Other:
        requester = "test/other"
        version = 1

        def requirements(self):
            usage = BufferUsage.STORAGE_BUFFER
            return [Requirement(planner.keys.transient("other"), Kind.BUFFER, 64, usage=usage)]

    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 48))
    planner.others.append(Other())
    plan = planner.plan(planner.needs(), None)
    assert plan.why(planner.keys.transient("other")) == "test/other"


def test_attachments_have_one_level_and_one_layer_and_the_size_of_the_picture(cube):
    scene, library = cube
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 48))
    needs = planner.needs()
    plan = planner.plan(needs)
    shapes = {}
    for lifetime in needs.graph.images:
        place = plan.address(planner.keys.transient(lifetime.image.name))
        row = plan.memory.resource(place.resource)
        assert (int(row["mip_levels"]), int(row["layers"])) == (1, 1)
        shapes[lifetime.image.name] = tuple(int(row[name]) for name in ("width", "height", "samples"))
    assert shapes[SCENE_COLOR.name] == (64, 48, 1)
    assert shapes["shadowMap"] == (2048, 2048, 1)


@pytest.mark.parametrize("sampled", [False, True])
@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize(
    ("form", "usage", "access"),
    [
        (Format.R8G8B8A8_UNORM, ImageUsage.COLOR_ATTACHMENT, Access.COLOR_ATTACHMENT_WRITE),
        (Format.D32_SFLOAT, ImageUsage.DEPTH_STENCIL_ATTACHMENT, Access.DEPTH_STENCIL_ATTACHMENT_WRITE),
        (Format.R32_SFLOAT, ImageUsage.STORAGE, Access.SHADER_STORAGE_READ | Access.SHADER_STORAGE_WRITE),
    ],
)
def test_an_image_is_written_and_used_as_its_passes_say(form, usage, access, sampled, copied):
    usage |= ImageUsage.SAMPLED if sampled else 0
    usage |= ImageUsage.TRANSFER_SRC if copied else 0
    image = ImageDecl("tint", form, samples=Samples.FRAME)
    made = image_requirement(7, ImageLifetime(image, usage, 2, 5), (64, 48), 4)
    found = [use.access for use in made.uses]
    wanted = [access, *[Access.SHADER_SAMPLED_READ] * sampled, *[Access.TRANSFER_READ] * copied]
    assert found == wanted
    assert (made.key, made.usage, made.lifetime, made.copies) == (7, usage, (2, 5), 1)
    assert (made.shape.width, made.shape.height, made.shape.samples) == (64, 48, 4)
    single = ImageLifetime(replace(image, samples=Samples.ONE), usage, 2, 5)
    assert image_requirement(7, single, (64, 48), 4).shape.samples == 1


def test_each_image_that_a_pass_reads_has_a_stand_in_of_one_texel_requested_by_that_pass(cube):
    scene, library = cube
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 48))
    needs = planner.needs()
    plan, read = planner.plan(needs), []
    for compiled in needs.graph.passes:
        for each in compiled.declaration.reads:
            key = planner.keys.transient(stand_in_name(each.image.name))
            row = plan.memory.resource(plan.address(key).resource)
            assert (row["width"], row["height"], row["format"]) == (1, 1, int(each.image.format))
            feature = {"forward": "visibleModel", "toneMap": "camera"}[compiled.declaration.name]
            assert feature in plan.why(key)
            read.append(each.image.name)
    assert read == ["shadowMap", "localShadows", "sceneColor"]


def test_each_buffer_that_a_pass_reads_has_a_stand_in_of_zeros_requested_by_that_pass(cube):
    scene, library = cube
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 48))
    needs = planner.needs()
    plan, read = planner.plan(needs), []
    for compiled in needs.graph.passes:
        for use in compiled.declaration.buffers:
            key = planner.keys.transient(stand_in_name(use.buffer.name))
            (row,) = plan.memory.subresources[plan.memory.subresources["key"] == key]
            assert row["size"] == 256
            assert plan.requirements.terms[int(row["terms"])].contents is Contents.ZERO
            assert {"forward": "visibleModel"}[compiled.declaration.name] in plan.why(key)
            read.append(use.buffer.name)
    assert read == ["lightClusters"]

"""Claims about plug-ins that declare or request more than a device holds: it costs them, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.declarations import GREYS, NEEDED, Project, beyond_device
from support.random_scenes import profile

from engine.humon import Severity
from engine.plan.model.refusals import refusal
from engine.plan.terms.formats import Format
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import ImageUsage
from engine.plan.terms.vulkan_enums import FormatFeature


def test_what_a_device_cannot_hold_costs_the_plug_in_that_states_it(project: Project, sample: Any) -> None:
    cases = [*beyond_device()]
    for number in sample.of(range(len(cases)), 24):
        name, returns = cases[number]
        problems = project.planned(**returns)
        assert [problem.code for problem in problems] == ["feature.failed"], (name, problems)
        (problem,) = problems
        assert problem.message.startswith("declarer on 'thing' is switched off: "), name
        assert "its code raised" not in problem.message, (name, problem.message)
        assert problem.position is not None, name
        assert (problem.position.line, problem.severity) == (4, Severity.WARNING), name
        assert problem.help.removesuffix("; the scene continues without it"), name


def test_what_is_just_within_the_limits_is_planned(project: Project) -> None:
    assert project.planned(requirements=[replace(NEEDED, size=1 << 27)]) == []
    assert project.planned(requirements=[GREYS]) == []


@pytest.mark.parametrize("usage", list(ImageUsage))
def test_a_format_is_refused_for_what_the_device_does_not_offer_it_for(usage: ImageUsage) -> None:
    needs_nothing = usage in (ImageUsage.TRANSIENT_ATTACHMENT, ImageUsage.INPUT_ATTACHMENT)
    terms, device = replace(GREYS, usage=usage).terms(), profile("lavapipe")
    everything = FormatFeature(sum(FormatFeature))
    offered = replace(device, offers={Format.R8_UNORM: everything})
    assert refusal(terms, 0, offered, Policy()) is None
    names = {"SAMPLED": FormatFeature.SAMPLED_IMAGE, "STORAGE": FormatFeature.STORAGE_IMAGE}
    feature = None if needs_nothing else names.get(str(usage.name)) or FormatFeature[str(usage.name)]
    without = replace(device, offers={Format.R8_UNORM: everything & ~(feature or 0)})
    refused = refusal(terms, 0, without, Policy())
    assert needs_nothing == (refused is None)
    assert refused is None or (refused.code == "plan.format" and "r8_unorm" in refused.problem)

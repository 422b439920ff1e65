"""A trial as data: the pipeline that is tried, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.render.pipelines.pipeline_description import PipelineDescription

Input = tuple[int, int, str, int]
"""An input of a fragment stage: location, first component, "float", "int" or "uint", number of components."""


class Verdict(StrEnum):
    """What a trial has shown: usable, refused by the driver, failed, invalid SPIR-V, or not possible."""

    USABLE = "usable"
    REFUSED = "refused"
    FAILED = "failed"
    INVALID = "invalid"
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict of a trial, with the reason where it is not usable.

    `invalid` is the digest of the module that is no valid SPIR-V.
    """

    verdict: Verdict
    reason: str = ""
    invalid: str = ""


REMEMBERED = frozenset(Verdict) - {Verdict.UNTRIED, Verdict.INVALID}
"""The verdicts that are the same the next time. Of an invalid module nothing is kept: it is cooked again."""


@dataclass(frozen=True, slots=True)
class Module:
    """The SPIR-V of a shader, read once: what is tried is what is drawn with."""

    code: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Trial:
    """A pipeline to be tried: its key in the record, what it is made from, the modules that are not ours."""

    key: str
    pipeline: PipelineDescription
    code: tuple[bytes, ...]
    images: tuple[tuple[int, int, str], ...]
    inputs: tuple[Input, ...]
    foreign: tuple[Module, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """What a trial has brought."""

    key: str
    outcome: Outcome


Prepare = Callable[[PipelineDescription, Sequence[bytes], Sequence[bytes]], None]
"""Makes a pipeline for the frames from the SPIR-V of its stages and what a driver has compiled of it.

Raises VulkanError.
"""

"""What a feature adds to the plan of a scene: its rows with and without the feature, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.plan.model.plan import Plan
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.terms.vocabulary import flag_names
from engine.planning.offline import plan_scene
from engine.scene import load_scene


@dataclass(frozen=True, order=True)
class UsageRow:
    """One buffer or image of a plan: its name, usage bits, and (queue, access, stage) of its uses."""

    name: str
    kind: str
    usages: tuple[str, ...]
    uses: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class FeatureUsage:
    """What one feature type adds to a scene.

    Attributes
    ----------
    feature, summary, scene : str
        Its type name, the first sentence of its description, and the scene that was planned.
    own : tuple of UsageRow
        What is gone where no row of the feature is active.
    shared : tuple of str
        The names of what it requests together with others.
    pipelines : tuple of str
        The passes whose pipelines are gone, too, each once.
    """

    feature: str
    summary: str
    own: tuple[UsageRow, ...]
    shared: tuple[str, ...]
    pipelines: tuple[str, ...]
    scene: str = ""


def usage_rows(plan: Plan) -> dict[str, UsageRow]:
    """Return every buffer and image of a plan by its name."""
    found = {}
    for row in plan.memory.subresources:
        key = int(row["key"])
        terms = plan.requirements.terms[int(row["terms"])]
        name = plan.requirements.keys.name(key)
        uses = tuple((use.queue.name.lower(), *_words(use.access), *_words(use.stage)) for use in terms.uses)
        kind = terms.kind.name.lower()
        found[name] = UsageRow(name, kind, tuple(flag_names(terms.usage_flags)), tuple(uses))
    return found


def usage_tables(root: Path, scenes: Sequence[str], profile: DeviceProfile) -> list[FeatureUsage]:
    """Return what `usage_table` does of several scenes: each feature in the first one that has it."""
    found: dict[str, FeatureUsage] = {}
    for scene in scenes:
        for usage in usage_table(root / scene, profile, frozenset(found)):
            found[usage.feature] = replace(usage, scene=scene)
    return [usage for _, usage in sorted(found.items())]


def usage_table(
    path: Path, profile: DeviceProfile, known: frozenset[str] = frozenset()
) -> list[FeatureUsage]:
    """Return what each feature type of a scene adds to its plan on a device, in the order of their names.

    Those that are `known` are left out. Raises InputError and PlanError as `plan_scene` does.
    """
    scene = load_scene(path)
    whole = plan_scene(path, profile).plan
    found = []
    for name, table in sorted(scene.tableau.tables.items()):
        rows = table.rows_active()
        if not len(rows) or name in known:
            continue
        settings = [f"{table.path(row)}.{name}.active=false" for row in rows.tolist()]
        without = plan_scene(path, profile, settings=settings).plan
        found.append(_difference(name, scene.registry[name].schema.help, whole, without))
    return found


def _difference(feature: str, doc: str, whole: Plan, without: Plan) -> FeatureUsage:
    before, after = usage_rows(whole), usage_rows(without)
    requesters = whole.requirements.requesters
    shared = []
    for row in whole.memory.subresources:
        key = int(row["key"])
        name = whole.requirements.keys.name(key)
        by = whole.requirements.requesters_of(key)
        if name in after and any(requesters[one].feature == feature for one in by):
            shared.append(name)
    passes = {row.pass_name for row in whole.pipelines} - {row.pass_name for row in without.pipelines}
    own = tuple(sorted(row for name, row in before.items() if name not in after))
    summary = doc.split("\n\n")[0].replace("\n", " ")
    return FeatureUsage(feature, summary, own, tuple(sorted(shared)), tuple(sorted(passes)))


def _words(flags: object) -> tuple[str]:
    return (" | ".join(flag_names(flags)),)  # type: ignore[arg-type]


def usage_page(scenes: Sequence[str], found: list[FeatureUsage]) -> str:
    """Return the table as a page of Markdown."""
    lines = [
        "# What each feature adds to a plan",
        "",
        f"Of `{scenes[0]}`, else of the scene that is named, planned for the profile `lavapipe`;",
        "`python tools/usage_page.py` writes this page. For each feature: what is gone from the plan where",
        "no row of it is active, what it requests beside other features, and the passes whose pipelines go",
        "with it.",
    ]
    for usage in found:
        of = f" In `{usage.scene}`." if usage.scene != scenes[0] else ""
        lines += ["", f"## {usage.feature}", "", usage.summary + of, ""]
        if usage.own:
            lines += ["| its own | usages | queue uses |", "|---|---|---|"]
        for row in usage.own:
            bits = ", ".join(row.usages)
            uses = "; ".join(" ".join(use) for use in row.uses)
            lines.append(f"| {row.kind} `{row.name}` | {bits} | {uses.replace('|', '+')} |")
        if usage.own:
            lines.append("")
        lines.append(f"Shared: {', '.join(f'`{name}`' for name in usage.shared) or 'nothing'}.")
        lines.append(f"Passes: {', '.join(f'`{name}`' for name in usage.pipelines) or 'none'}.")
    return "\n".join(lines) + "\n"

"""The last saves that a scene has shown: the assets that changed, their bytes, and how long it took."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from imgui_bundle import imgui

from engine.assets.updating.asset_changes import Change
from viewer.panels import parts, widgets
from viewer.panels.number_format import bytes_text, count_text
from viewer.session.session import Session
from viewer.ui import style

if TYPE_CHECKING:
    from engine.runtime.live_assets import ShownUpdate

_TINTS = {Change.BROKEN: style.BAD, Change.ADDED: style.GOOD, Change.REMOVED: style.QUIET}
SAVES = "last save"


def draw_last_save(session: Session) -> None:
    """Draw the last save as a line that opens to all that are kept, the newest first."""
    live = session.live
    if live is None:
        widgets.cut("saves are not watched (--no-live)", style.QUIET)
    elif not live.shown:
        widgets.cut("nothing was saved since the scene was opened", style.QUIET)
    else:
        shown = list(live.shown)
        is_open = imgui.tree_node_ex(f"{title(shown[-1])}###{SAVES}", imgui.TreeNodeFlags_.span_avail_width)
        parts.note_place(session, SAVES)
        if is_open:
            for number, one in enumerate(reversed(shown)):
                _save(one, number)
            imgui.tree_pop()


def title(one: ShownUpdate) -> str:
    """Return a save in a line: what was saved, what changed, and after how long it was shown."""
    files = [path.name for path in one.files]
    what = "cooked again" if not files else files[0] if len(files) == 1 else count_text(len(files), "file")
    changed = count_text(len(one.changes), "asset") if one.changes else "nothing differs"
    size = f", {bytes_text(one.bytes)}" if one.bytes else ""
    return f"{what}: {changed}{size}, shown after {one.milliseconds:.0f} ms"


def _save(one: ShownUpdate, number: int) -> None:
    moment = datetime.fromtimestamp(one.shown).strftime("%H:%M:%S")
    widgets.cut(f"{moment}  {title(one)}", style.TEXT if number == 0 else style.QUIET, more=_times(one))
    imgui.indent()
    for change in one.changes:
        size = f"  {bytes_text(change.size)}" if change.size else ""
        widgets.cut(
            f"{change.change}  {change.asset} of {change.db}{size}", _TINTS.get(change.change, style.QUIET)
        )
    imgui.unindent()


def _times(one: ShownUpdate) -> tuple[str, ...]:
    """Return what the time of a save consists of."""
    rest = max(0.0, one.milliseconds - one.cooked_ms)
    return (
        f"{one.cooked_ms:.0f} ms to cook, from when the files no longer changed",
        f"{rest:.0f} ms to plan, transfer and draw",
        *(str(path) for path in one.files[:20]),
    )

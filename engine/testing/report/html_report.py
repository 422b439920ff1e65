"""The HTML report of a run: one self-contained file with every golden that failed, is new or changed.

A picture is shown as expected, actual, difference, and both under a slider; a text as its difference. Other
failures are listed with their messages.
"""

from __future__ import annotations

import base64
import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from engine.files import write_whole
from engine.testing.comparison.pictures import difference_picture, from_png, to_png
from engine.testing.goldens.findings import Finding, FindingKind
from engine.testing.goldens.golden_kinds import golden_text
from engine.testing.report.report_page import SCRIPT, STYLE

_CONTEXT = 3


@dataclass(frozen=True)
class Failure:
    """A test that failed, with its message."""

    test: str
    message: str


def write_report(path: Path, findings: Iterable[Finding], failures: Sequence[Failure] = ()) -> None:
    """Write the report in UTF-8; creates its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, report_text(findings, failures).encode("utf-8", "backslashreplace"))


def report_text(findings: Iterable[Finding], failures: Sequence[Failure] = ()) -> str:
    """Return the report as HTML; the same findings give the same text."""
    found = list(findings)
    waiting = sum(finding.waits for finding in found)
    parts = [f"{len(failures)} failed", f"{waiting} goldens wait for review"]
    how = "<p>To accept the waiting goldens: <code>pytest --accept-goldens</code></p>" if waiting else ""
    sections = [_section(finding) for finding in found]
    sections += [_failure(failure) for failure in failures]
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><title>Scene tests</title>"
        "<meta name='viewport' content='width=device-width'>"
        f"<style>{STYLE}</style></head><body>\n<h1>Scene tests</h1><p>{', '.join(parts)}</p>{how}\n"
        + "\n".join(sections)
        + f"\n<script>{SCRIPT}</script></body></html>\n"
    )


def _section(finding: Finding) -> str:
    state = f"<span class='state {finding.state}'>{finding.state}</span>"
    head = f"{state}<h2>{escape(finding.name)}</h2><div class='quiet'>{escape(finding.test)}</div>"
    where = f"<div class='quiet'>{escape(str(finding.golden))}, made here on {escape(finding.driver)}</div>"
    first = escape(finding.message.partition("\n")[0])
    body = _pictures(finding) if finding.kind is FindingKind.PICTURE else _text(finding)
    return f"<section>{head}{where}<p class='message'>{first}</p>{body}</section>"


def _pictures(finding: Finding) -> str:
    actual = _image(finding.actual, "actual")
    if finding.expected is None:
        return f"<div class='pictures'>{_figure(actual, 'actual (there is no golden)')}</div>"
    try:
        golden, _ = from_png(finding.expected)
    except ValueError as error:
        return f"<div class='pictures'>{_figure(actual, 'actual')}</div><p>{escape(str(error))}</p>"
    expected = _image(to_png(golden), "expected")
    made, _ = from_png(finding.actual)
    shown = _figure(expected, f"expected, {golden.shape[1]}x{golden.shape[0]}")
    shown += _figure(actual, f"actual, {made.shape[1]}x{made.shape[0]}")
    if golden.shape == made.shape:
        apart = _image(to_png(difference_picture(golden, made)), "difference")
        shown += _figure(apart, "difference: black is equal, white is the largest")
        slider = (
            f"<div class='slider'>{actual}{_image(to_png(golden), 'expected', 'over')}"
            "<input type='range' min='0' max='100' value='50' step='0.5' aria-label='expected or actual'>"
            "</div>"
        )
        shown += _figure(slider, "slide: expected on the left, actual on the right")
    return f"<div class='pictures'>{shown}</div>"


def _figure(content: str, caption: str) -> str:
    return f"<figure>{content}<figcaption>{escape(caption)}</figcaption></figure>"


def _image(png: bytes, words: str, style: str = "") -> str:
    data = base64.b64encode(png).decode()
    return f"<img class='{style}' alt='{words}' src='data:image/png;base64,{data}'>"


def _text(finding: Finding) -> str:
    actual = golden_text(finding.actual).splitlines()
    if finding.expected is None:
        lines = "".join(f"<div>{escape(line)}</div>" for line in actual)
        text = f"<pre class='diff'>{lines}</pre>"
        return f"<details><summary>{len(actual)} lines, no golden</summary>{text}</details>"
    expected = golden_text(finding.expected).splitlines()
    return f"<pre class='diff'>{''.join(_difference(expected, actual))}</pre>"


def _difference(expected: list[str], actual: list[str]) -> Iterator[str]:
    """Yield the differing lines of both, marked, with a few equal lines around them."""
    matcher = difflib.SequenceMatcher(None, expected, actual, autojunk=False)
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        lines = f"line {group[0][1] + 1} of the golden, {group[0][3] + 1} of the actual text"
        yield f"<div class='fold'>{lines}</div>"
        for tag, from_old, to_old, from_new, to_new in group:
            if tag == "equal":
                yield from (f"<div>  {escape(line)}</div>" for line in expected[from_old:to_old])
                continue
            yield from (f"<div class='gone'>- {escape(line)}</div>" for line in expected[from_old:to_old])
            yield from (f"<div class='added'>+ {escape(line)}</div>" for line in actual[from_new:to_new])


def _failure(failure: Failure) -> str:
    state = "<span class='state failed'>failed</span>"
    message = f"<pre class='message'>{escape(failure.message)}</pre>"
    return f"<section>{state}<h2>{escape(failure.test)}</h2>{message}</section>"

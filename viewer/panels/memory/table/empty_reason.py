"""Why a filter leaves no row of the table of memory: which part of it none has, and what there is instead."""

from __future__ import annotations

from dataclasses import replace

from viewer.panels.memory.table.memory_table import Level, MemoryTable
from viewer.panels.memory.table.table_filter import TableFilter
from viewer.panels.number_format import bytes_text

_NOUNS = {Level.SUBRESOURCE: "block", Level.RESOURCE: "resource", Level.ALLOCATION: "allocation"}


def empty_reason(table: MemoryTable, filtered: TableFilter) -> str:
    """Return why no row is left, for users; the first part that leaves none by itself is named."""
    noun, nothing = _NOUNS[table.level], TableFilter()
    if not table.count:
        return f"there is no {noun}"
    if table.level is Level.ALLOCATION and filtered.has:
        return "allocations have no usage of their own: that of blocks and resources can be searched"
    for bits in filtered.has:
        if not table.rows(replace(nothing, has=(bits,))).any():
            return f"no {noun} has the usage {bits.word}; there are {', '.join(table.usages())}"
    for word in filtered.words:
        if not table.rows(replace(nothing, words=(word,))).any():
            return f"no {noun} has '{word}' in its name"
    for bits in filtered.lacks:
        if not table.rows(replace(nothing, lacks=(bits,))).any():
            return f"every {noun} has the usage {bits.word}"
    for at in filtered.ranges:
        if not table.rows(replace(nothing, ranges=(at,))).any():
            ids = f"a{at.allocation}"
            return f"nothing is there: {ids if at.begin == 0 else f'{ids}:{at.begin:#x}'}"
    for number in filtered.resources:
        if not table.rows(replace(nothing, resources=(number,))).any():
            return f"nothing is of r{number}"
    if not table.rows(replace(nothing, least=filtered.least, most=filtered.most)).any():
        low, high = int(table.sizes.min()), int(table.sizes.max())
        return f"no {noun} has such a size: they have {bytes_text(low)} to {bytes_text(high)}"
    return f"no {noun} has all parts of the filter: each part alone is found"

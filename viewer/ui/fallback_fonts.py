"""Glyphs that our own font lacks: from fonts that systems have. What none has is drawn as a box."""

from __future__ import annotations

import os

from imgui_bundle import imgui

FOLDERS = (
    "/usr/share/fonts/truetype/dejavu",
    "/usr/share/fonts/dejavu-sans-fonts",
    "/usr/share/fonts/TTF",
    "/usr/share/fonts/opentype/noto",
    "/usr/share/fonts/truetype/noto",
    "/usr/share/fonts/noto",
    "/usr/share/fonts/noto-cjk",
    "/usr/share/fonts/truetype/wqy",
    "/System/Library/Fonts",
    "/System/Library/Fonts/Supplemental",
    "C:/Windows/Fonts",
)
GROUPS = (
    ("DejaVuSans.ttf", "Arial Unicode.ttf", "SegoeUI.ttf"),
    ("NotoSansCJK-Regular.ttc", "wqy-microhei.ttc", "PingFang.ttc", "MSYH.ttc"),
    ("NotoSansSymbols2-Regular.ttf", "SeguiSym.ttf", "Apple Symbols.ttf"),
    ("NotoEmoji-Regular.ttf", "SeguiEmj.ttf"),
)
"""Fonts of many scripts, of those of East Asia, of symbols, of emoji: the first of each is used."""
MAX_BYTES = 32 << 20
BOX = 0x25A1
"""A white square: what is drawn for a glyph that no font has."""


def found_fonts(folders: tuple[str, ...] = FOLDERS) -> list[str]:
    """Return the files of fonts that are there, at most one of each group."""
    found = []
    for names in GROUPS:
        paths = (os.path.join(folder, name) for name in names for folder in folders)
        path = next((path for path in paths if _is_usable(path)), None)
        if path is not None:
            found.append(path)
    return found


def add_fallbacks(fonts: imgui.ImFontAtlas) -> None:
    """Add glyphs to the font that was added last."""
    for path in found_fonts():
        config = imgui.ImFontConfig()
        config.merge_mode = True
        fonts.add_font_from_file_ttf(path, 0.0, config)
    fonts.fonts[len(fonts.fonts) - 1].fallback_char = BOX


def _is_usable(path: str) -> bool:
    return os.path.isfile(path) and os.path.getsize(path) <= MAX_BYTES

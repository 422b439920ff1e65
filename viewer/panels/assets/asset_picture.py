"""Draws the small picture of an asset, which is made on a thread when it is first seen."""

from __future__ import annotations

from imgui_bundle import imgui

from engine.assets import AssetRef
from viewer.panels.assets.thumbnails import SIDE, has_thumbnail, thumbnail
from viewer.session.session import Session
from viewer.ui import style


def draw_asset_picture(session: Session, ref: AssetRef, size: float, *, says_why: bool = True) -> None:
    """Draw the picture of an asset into a square of `size` points; nothing where assets have none.

    The square stays empty while it is made, and where it cannot be; then a text says why.
    """
    library = session.runtime.library
    if not has_thumbnail(library, ref):
        return
    key = ("thumbnail", ref.key, library.version)
    picture = session.pictures.find(key, lambda: thumbnail(library, ref))
    if picture is None:
        imgui.dummy((size, size))
        failed = session.pictures.failed.get(key)
        if failed and says_why:
            imgui.text_colored(style.BAD, failed)
        return
    width, height = picture.size
    scale = size / max(width, height, SIDE)
    imgui.image(imgui.ImTextureRef(picture.number), (width * scale, height * scale))

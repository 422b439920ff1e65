"""Reads images of a glTF file: their bytes and types, wherever they are; and the textures that use them."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from functools import partial

from engine.gltf.codes import GltfCode
from engine.gltf.document import decoded_uri
from engine.gltf.item import Item
from engine.humon.json_text import shown

_TYPES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "image/webp",
    b"\xabKTX 20\xbb\r\n\x1a\n": "image/ktx2",
}
_KTX2, _WEBP = "KHR_texture_basisu", "EXT_texture_webp"

WRAPS = {33071: "clamp", 33648: "mirror", 10497: "repeat"}
"""How coordinates outside of a texture are wrapped, by glTF's numbers."""

_NEAREST = 9728
_NO_MIPS = (9728, 9729)
_FILTERS = (9728, 9729, 9984, 9985, 9986, 9987)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a texture is sampled: wrapping along u and v, the nearest texel or a mix, mip levels or none."""

    wrap: tuple[str, str] = ("repeat", "repeat")
    nearest: bool = False
    mips: bool = True


def image_of(texture: Item) -> Item:
    """Return the image of an element of `textures`; of several, the one that an extension names.

    Raises InputError `gltf.image` for one without an image, as it has where an extension gives it that is not
    supported.
    """
    for name in (_KTX2, _WEBP):
        extension = texture.extension(name)
        if extension is not None and extension.get("source") is not None:
            return extension.required("source").reference("images")
    source = texture.get("source")
    if source is None:
        given = texture.get("extensions")
        names = "" if given is None else ", ".join(name for name, _ in given.members())
        message = f"the texture has no image that is read: no 'source'{names and f', and only {names}'}"
        hint = "give it a `source`: a picture as PNG, JPEG, WebP or KTX 2"
        raise texture.failure(GltfCode.IMAGE, message, hint)
    return source.reference("images")


def file_of(image: Item) -> str | None:
    """Return the relative path of an image's own file, None of one within a buffer or a data URI."""
    uri = image.get("uri")
    if uri is None or uri.text()[:5].lower() == "data:":
        return None
    return decoded_uri(uri.text())


def image_bytes(image: Item) -> bytes | memoryview:
    """Return the bytes of an element of `images`.

    What the bytes are is seen from their beginning; a type that is written and differs is a warning. Raises
    InputError `gltf.image` without any, `gltf.buffer`.
    """
    view, uri = image.get("bufferView"), image.get("uri")
    if (view is None) == (uri is None):
        raise image.failure(GltfCode.IMAGE, "an image has either a 'bufferView' or a 'uri'")
    data = image.document.view(view.reference("bufferViews")) if view is not None else _of_uri(image)
    written = image.get("mimeType")
    found = next((kind for start, kind in _TYPES.items() if data[: len(start)] == start), None)
    if written is not None and found is not None and written.value != found:
        message = f"the image is '{found}', and read so; it says {shown(written.value)}"
        written.warn(GltfCode.IMAGE, message, f"write '{found}' as its `mimeType`")
    return data


def sampling_of(texture: Item) -> Sampling:
    """Return how an element of `textures` is sampled; what is wrong is as if absent, with a warning."""
    attempt = texture.document.attempt
    given = texture.get("sampler")
    sampler = None if given is None else attempt(lambda: given.reference("samplers"), None)
    if sampler is None:
        return Sampling()
    wraps = [
        attempt(partial(_number, sampler, key, 10497, WRAPS, "way to wrap"), 10497)
        for key in ("wrapS", "wrapT")
    ]
    smaller = attempt(partial(_number, sampler, "minFilter", 9987, _FILTERS, "filter"), 9987)
    larger = attempt(partial(_number, sampler, "magFilter", 9729, _FILTERS, "filter"), 9729)
    return Sampling((WRAPS[wraps[0]], WRAPS[wraps[1]]), larger == _NEAREST, smaller not in _NO_MIPS)


def _number(sampler: Item, key: str, default: int, known: Container[int], what: str) -> int:
    """Return one of the known numbers of a sampler, or a default where it is absent."""
    child = sampler.get(key)
    if child is None:
        return default
    number = child.integer()
    if number not in known:
        raise child.failure(GltfCode.VALUE, f"there is no {what} {number}")
    return number


def _of_uri(image: Item) -> bytes | memoryview:
    return image.document.file(image.required("uri"))

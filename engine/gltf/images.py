"""Reads images of a glTF file: their bytes and types, wherever they are; and the textures that use them."""

from __future__ import annotations

from dataclasses import dataclass

from engine.gltf.codes import GltfCode
from engine.gltf.document import decoded_uri
from engine.gltf.item import Item

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
    """Return the image of an element of `textures`; of several, the one that an extension names."""
    for name in (_KTX2, _WEBP):
        extension = texture.extension(name)
        if extension is not None and extension.get("source") is not None:
            return extension.required("source").reference("images")
    return texture.required("source").reference("images")


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
    if written is not None and found is not None and written.text() != found:
        written.warn(GltfCode.IMAGE, f"the image is '{found}', and read so; it says '{written.text()}'")
    return data


def sampling_of(texture: Item) -> Sampling:
    """Return how an element of `textures` is sampled."""
    given = texture.get("sampler")
    if given is None:
        return Sampling()
    sampler = given.reference("samplers")
    wraps = []
    for key in ("wrapS", "wrapT"):
        child = sampler.get(key)
        number = 10497 if child is None else child.integer()
        if number not in WRAPS:
            raise (child or sampler).failure(GltfCode.VALUE, f"there is no way to wrap {number}")
        wraps.append(WRAPS[number])
    smaller = _filter(sampler, "minFilter", 9987)
    larger = _filter(sampler, "magFilter", 9729)
    return Sampling((wraps[0], wraps[1]), larger == _NEAREST, smaller not in _NO_MIPS)


def _filter(sampler: Item, key: str, default: int) -> int:
    child = sampler.get(key)
    number = default if child is None else child.integer()
    if number not in _FILTERS:
        raise (child or sampler).failure(GltfCode.VALUE, f"there is no filter {number}")
    return number


def _of_uri(image: Item) -> bytes | memoryview:
    return image.document.file(image.required("uri"))

"""What the UI needs from the plan: rings for its triangles and uploads, and an image per texture."""

from __future__ import annotations

from collections.abc import Iterator

from engine.plan.requirements.requirements import ImageShape, QueueUse, Requirement
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import Keys
from engine.plan.terms.vocabulary import (
    Access,
    BufferUsage,
    ImageUsage,
    Kind,
    MemoryProperty,
    QueueKind,
    Stage,
)
from viewer.ui.draw_lists import INDEX_BYTES, VERTEX_BYTES

FIRST_VERTICES = 16_384
FIRST_INDICES = 32_768
FIRST_UPLOAD = 512 * 256 * 4
BYTES_PER_TEXEL = 4
TEXTURE_FORMAT = Format.R8G8B8A8_SRGB  # glyphs are white with alpha, which sRGB leaves alone

_MAPPED = MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT
_VERTEX = QueueUse(QueueKind.GRAPHICS, Access.VERTEX_ATTRIBUTE_READ, Stage.VERTEX_INPUT)
_INDEX = QueueUse(QueueKind.GRAPHICS, Access.INDEX_READ, Stage.VERTEX_INPUT)
_COPY_FROM = QueueUse(QueueKind.GRAPHICS, Access.TRANSFER_READ, Stage.TRANSFER)
_COPY_TO = QueueUse(QueueKind.GRAPHICS, Access.TRANSFER_WRITE, Stage.TRANSFER)
_SAMPLE = QueueUse(QueueKind.GRAPHICS, Access.SHADER_SAMPLED_READ, Stage.FRAGMENT_SHADER)


class Needs:
    """The UI's requirement rows; `version` changes whenever the rows do."""

    def __init__(self, keys: Keys, copies: int) -> None:
        """`copies` is how many frames may be under way at once: every ring has that many."""
        self._keys = keys
        self._copies = copies
        self.version = 0
        self.vertices = keys.transient("viewer.vertices")
        self.indices = keys.transient("viewer.indices")
        self.upload = keys.transient("viewer.upload")
        self._vertex_count = FIRST_VERTICES
        self._index_count = FIRST_INDICES
        self._upload_bytes = FIRST_UPLOAD
        self._textures: dict[int, ImageShape] = {}

    def reserve(self, vertices: int, indices: int, upload_bytes: int) -> None:
        """Make room for a frame of this size; rings grow by doubling and never shrink."""
        grown = (
            _doubled(self._vertex_count, vertices),
            _doubled(self._index_count, indices),
            _doubled(self._upload_bytes, upload_bytes),
        )
        if grown != (self._vertex_count, self._index_count, self._upload_bytes):
            self._vertex_count, self._index_count, self._upload_bytes = grown
            self.version += 1

    def add_texture(self, number: int, width: int, height: int) -> int:
        """Ask for an image of this size for texture `number`, and return its key."""
        self._textures[number] = ImageShape(TEXTURE_FORMAT, width, height)
        self.version += 1
        return self._keys.transient(f"viewer.texture{number}")

    def drop_texture(self, number: int) -> None:
        """Stop asking for the image of texture `number`."""
        del self._textures[number]
        self.version += 1

    def requirements(self) -> Iterator[Requirement]:
        """Give the rows as they are now."""
        yield self._ring(self.vertices, self._vertex_count * VERTEX_BYTES, BufferUsage.VERTEX_BUFFER, _VERTEX)
        yield self._ring(self.indices, self._index_count * INDEX_BYTES, BufferUsage.INDEX_BUFFER, _INDEX)
        yield self._ring(self.upload, self._upload_bytes, BufferUsage.TRANSFER_SRC, _COPY_FROM)
        for number, shape in self._textures.items():
            yield Requirement(
                key=self._keys.transient(f"viewer.texture{number}"),
                kind=Kind.IMAGE,
                shape=shape,
                usage=ImageUsage.SAMPLED | ImageUsage.TRANSFER_DST,
                uses=(_COPY_TO, _SAMPLE),
            )

    def _ring(self, key: int, size: int, usage: BufferUsage, use: QueueUse) -> Requirement:
        return Requirement(
            key=key,
            kind=Kind.BUFFER,
            size=size,
            alignment=16,
            usage=usage,
            properties=_MAPPED,
            uses=(use,),
            copies=self._copies,
            persistent_map=True,
        )


def _doubled(capacity: int, wanted: int) -> int:
    while capacity < wanted:
        capacity *= 2
    return capacity

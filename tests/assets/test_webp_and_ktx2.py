"""WebP and KTX 2 pictures have the texels that were written, and damaged ones are errors."""

from __future__ import annotations

import io
import struct

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from engine.assets.formats import ColorSpace
from engine.assets.importers.pictures import ktx2
from engine.assets.importers.texture import TextureSettings, import_texture
from engine.humon import InputError

SETTINGS = TextureSettings(ColorSpace.LINEAR, 1)
TEXELS = np.random.default_rng(7).integers(0, 256, (5, 9, 4), np.uint8)


def webp(texels: npt.NDArray[np.uint8], **options: bool) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(texels).save(stream, "WEBP", exact=True, **options)
    return stream.getvalue()


def ktx(texels: bytes, width: int = 9, height: int = 5, form: int = 37, scheme: int = 0) -> bytes:
    head = struct.pack("<9I", form, 1, width, height, 0, 0, 1, 1, scheme) + bytes(32)
    level = struct.pack("<QQQ", 104, len(texels), len(texels))
    return ktx2.KTX2_SIGNATURE + head + level + texels


def texels_of(data: bytes) -> npt.NDArray[np.uint8]:
    made = import_texture(data, "picture", SETTINGS)
    return np.frombuffer(made.data, np.uint8).reshape(TEXELS.shape)


def code_of(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        import_texture(data, "picture", SETTINGS)
    assert caught.value.problems[0].help
    return str(caught.value.problems[0].code)


@pytest.mark.parametrize("alpha", [True, False])
def test_a_lossless_webp_has_its_texels(alpha: bool) -> None:
    texels = TEXELS if alpha else np.ascontiguousarray(TEXELS[..., :3])
    found = texels_of(webp(texels, lossless=True))
    assert (found[..., :3] == TEXELS[..., :3]).all()
    assert (found[..., 3] == (TEXELS[..., 3] if alpha else 255)).all()


def test_a_lossy_webp_has_nearly_its_colours() -> None:
    flat = np.full((5, 9, 3), (200, 100, 50), np.uint8)
    assert abs(texels_of(webp(flat)).astype(int)[..., :3] - flat).max() <= 4


def test_an_animated_or_damaged_webp_is_an_error() -> None:
    stream = io.BytesIO()
    frames = [Image.fromarray(TEXELS), Image.fromarray(TEXELS[::-1])]
    frames[0].save(stream, "WEBP", save_all=True, append_images=frames[1:])
    assert code_of(stream.getvalue()) == "texture.decode"
    good = webp(TEXELS, lossless=True)
    assert code_of(good[:20]) == "texture.decode"
    assert code_of(good[:16] + bytes(len(good) - 16)) == "texture.decode"
    assert code_of(good[: len(good) // 2]) == "texture.decode"


def test_a_plain_ktx2_has_its_texels_without_a_change() -> None:
    assert (texels_of(ktx(TEXELS.tobytes())) == TEXELS).all()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (ktx(TEXELS.tobytes(), form=98), "texture.format"),
        (ktx(TEXELS.tobytes(), scheme=1), "texture.format"),
        (ktx(TEXELS.tobytes(), scheme=2), "texture.decode"),
        (ktx(TEXELS.tobytes(), scheme=3), "texture.decode"),
        (ktx(TEXELS.tobytes(), width=0), "texture.size"),
        (ktx(TEXELS.tobytes(), width=60000), "texture.size"),
        (ktx(TEXELS.tobytes()[:-1]), "texture.decode"),
        (ktx(b"")[:60], "texture.decode"),
        (ktx(b"no Basis Universal", form=0), "texture.decode"),
    ],
)
def test_another_or_a_damaged_ktx2_is_an_error(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_basis_universal_names_the_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(ktx2, "import_module", absent)
    with pytest.raises(InputError, match="opengl_basisu") as caught:
        import_texture(ktx(b"anything", form=0), "picture", SETTINGS)
    assert "pip install" in caught.value.problems[0].help

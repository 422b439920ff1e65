"""What a pass uses of what it draws: textures, the row of a material, how it covers, where it comes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.assets import AssetLibrary, AssetRef, Material, ShaderFacts, ShaderStage, Texture2d, TextureFacts
from engine.feature import Drawable
from engine.graph import DrawPass, MaterialParameter
from engine.humon import Problem, Severity
from engine.plan.terms.drawing import AlphaMode, CullMode
from engine.planning.draw.shading import PipelineKey, ShaderSet

Numbers = tuple[float, ...]
Ints = npt.NDArray[np.int64]
Kinds = tuple[tuple[int, tuple[int | str, ...], int], ...]
ALPHA_CUTOFF = 0.5
"""The cutoff of a material that sets none, as in its record."""

TEXTURE = np.dtype(
    [("shading", "<i4"), ("material", "<i4"), ("key", "<i8"), ("fallback", "<i8"), ("sampler", "<i8")]
)
"""One texture of a material: numbers of shader set and material, keys of the texture and of its fallback,
and the number of its sampling."""


@dataclass(frozen=True)
class TextureUse:
    """Keys of the texture at a binding, and of the builtin texture that is bound until it has arrived.

    `sampler` is the number of how it is sampled, see `engine.assets.Sampling`. `kind` is width, height,
    format and mip levels, empty for an empty slot.
    """

    binding: int
    key: int
    fallback: int
    sampler: int = 0
    kind: tuple[int | str, ...] = ()


@dataclass(frozen=True)
class MaterialUse:
    """A material for a shader set, with its textures by binding."""

    ref: AssetRef
    label: str
    textures: tuple[TextureUse, ...]

    @property
    def kinds(self) -> Kinds:
        """By binding the kind of each texture, and how it is sampled: what shares pages has the same."""
        return tuple((one.binding, one.kind, one.sampler) for one in self.textures)


_ORDER_BYTES = 7


class Ordering:
    """Where batches come among others, as numbers of 56 bits: those of a family together, then by rank.

    They follow from the names of what is drawn, so that each version has the same: of surfaces in one place
    the first one is seen, and that shall not depend on what was drawn before. What has one family can share
    a call: it has one pipeline, indices of one size, and textures of one kind, which share pages.
    """

    def __init__(self, library: AssetLibrary) -> None:
        self._library = library
        self._families: dict[tuple[PipelineKey, Kinds, int], int] = {}

    def of(
        self,
        drawable: Drawable,
        pipeline: PipelineKey,
        shading: ShaderSet,
        material: MaterialUse | None,
        index_bytes: int,
    ) -> tuple[int, int]:
        """Return the family and the rank of a batch; `shading` is the shader set of the pipeline."""
        known = pipeline, material.kinds if material is not None else (), index_bytes
        family = self._families.get(known)
        if family is None:
            named = replace(pipeline, shading=0), *known[1:]  # the number of a shader set is no name
            family = self._families[known] = _number(self._names(shading.shaders), named)
        refs = (drawable.vertices, drawable.indices, drawable.material)
        names = self._names([ref for ref in refs if ref is not None])
        return family, _number(names, drawable.part, drawable.level)

    def _names(self, refs: Iterable[AssetRef]) -> list[tuple[str, str]]:
        return [(self._library.dbs[ref.db].name, self._library.record(ref).label) for ref in refs]


def _number(*named: object) -> int:
    digest = hashlib.blake2b(repr(named).encode(), digest_size=_ORDER_BYTES).digest()
    return int.from_bytes(digest, "big")


_NEUTRAL_TEXTURES = {
    **dict.fromkeys(("normal", "tangent", "clearcoatNormal"), "flatNormal"),
    "roughness": "matte",
}


def neutral_texture(slot: str, library: AssetLibrary) -> AssetRef:
    """Return the builtin texture for a slot that is empty or has not arrived: it changes nothing."""
    return library.find("builtin", _NEUTRAL_TEXTURES.get(slot, "white"), ("texture2d",))


def use_of(
    material: Material, shading: ShaderSet, library: AssetLibrary, neutral: Callable[[str], AssetRef]
) -> MaterialUse:
    """Resolve a material's textures for a shader set; an empty slot gets the `neutral` one."""
    textures = []
    for slot, binding in shading.slots:
        stand_in, sampler = neutral(slot), 0
        kind: tuple[int | str, ...] = ()
        texture = material.textures.get(slot, stand_in)
        if slot in material.textures:
            usable = library.usable(texture)
            record, facts = library.record(usable), library.facts(usable)
            sampler = record.sampling.number if isinstance(record, Texture2d) else 0
            if isinstance(facts, TextureFacts):
                kind = facts.width, facts.height, facts.format.value, facts.mip_levels
        textures.append(TextureUse(binding, texture.key, stand_in.key, sampler, kind))
    return MaterialUse(material.ref, material.label, tuple(textures))


def default_parameters(known: Mapping[str, MaterialParameter]) -> dict[str, Numbers]:
    """Return the parameters of a material that sets none, by name."""
    return {**{name: one.default for name, one in known.items()}, "alphaCutoff": (ALPHA_CUTOFF,)}


def own_parameters(
    material: Material, known: Mapping[str, MaterialParameter], shading: ShaderSet | None = None
) -> dict[str, Numbers]:
    """Return the parameters in which a material differs from the default, by name.

    Numbers beyond the limits of a `known` one are the nearest within. `filled` has a bit for each texture of
    the shader set that the material has.
    """
    found = {
        name: known[name].limited(numbers) if name in known else numbers
        for name, numbers in material.parameters.items()
    }
    if material.alpha_cutoff != ALPHA_CUTOFF:
        found["alphaCutoff"] = (material.alpha_cutoff,)
    if shading is not None and material.textures:
        filled = sum(1 << binding for slot, binding in shading.slots if slot in material.textures)
        found["filled"] = (float(filled),)
    return found


def covering(
    material: Material, shading: ShaderSet, declaration: DrawPass, library: AssetLibrary
) -> tuple[AlphaMode, bool, tuple[str, ...]]:
    """Return how a material covers in a pipeline of a pass, whether both sides are drawn, and its traits.

    Where a pass has shaders of its own, only as far as they, or its cull mode, distinguish materials.
    """
    alpha, both = AlphaMode[material.alpha_mode.name], material.double_sided
    if declaration.shaders:
        alpha = alpha if "alphaMode" in shading.constant_names else AlphaMode.OPAQUE
        both = both and declaration.state.cull is not CullMode.NONE
    return alpha, both, traits_of(material, shading, library)


def traits_of(material: Material, shading: ShaderSet, library: AssetLibrary) -> tuple[str, ...]:
    """Return the constants of a shader set that a material sets to true: what it has beyond the usual."""
    parameters = material.parameters
    found = {
        "isUnlit": material.unlit,
        "hasClearcoat": parameters.get("clearcoat", (0.0,)) != (0.0,),
        "hasSpecular": not (parameters.keys() | material.textures.keys()).isdisjoint(_SPECULAR),
        "readsColors": "readsColors" in shading.constant_names and reads_colors(material, library),
    }
    return tuple(name for name, is_set in found.items() if is_set and name in shading.constant_names)


def reads_colors(material: Material, library: AssetLibrary) -> bool:
    """Whether the shaders of a material read the colours of vertices."""
    facts = [library.facts(library.usable(ref)) for ref in material.shaders]
    return any(
        variable.name == "color"
        for one in facts
        if isinstance(one, ShaderFacts) and one.stage is ShaderStage.VERTEX
        for variable in one.reflection.inputs
    )


_SPECULAR = frozenset({"ior", "specular", "specularColor"})
"""Slots and parameters of which one makes a material reflect in another way than by default."""


def parameter_problems(
    material: Material, known: Mapping[str, MaterialParameter], library: AssetLibrary
) -> list[Problem]:
    """Return a warning (asset.parameter) for each parameter that is beyond its limits."""
    found = []
    for name, numbers in material.parameters.items():
        if name not in known or known[name].limited(numbers) == numbers:
            continue
        document = library.dbs[material.ref.db].document
        node = document.root["assetDb"]["assets"][material.ref.index]["parameters"][name]
        message = f"'{name}' of {material.label} must be {known[name].range_text()}; the nearest is used"
        found.append(
            document.problem("asset.parameter", message, node, "change the number", Severity.WARNING)
        )
    return found


def numbered(rows: npt.NDArray[np.int32], used: Ints, limit: int) -> npt.NDArray[np.int32]:
    """Return rows below `limit` for the materials `used`, -1 for the others, changing as few as possible.

    A material keeps its row where that is below the limit; the others get the lowest free ones.
    """
    kept = used[(rows[used] >= 0) & (rows[used] < limit)]
    made = np.full(len(rows), -1, np.int32)
    made[kept] = rows[kept]
    new = used[made[used] < 0]
    free = np.ones(limit, np.bool_)
    free[made[kept]] = False
    made[new] = free.nonzero()[0][: len(new)]
    return made


def numbered_few(
    rows: npt.NDArray[np.int32], used: Ints, switched: Ints, limit: int
) -> npt.NDArray[np.int32]:
    """Return what `numbered` does where no row is above the limit and only these materials are `switched`."""
    is_used = np.zeros(len(rows), np.bool_)
    is_used[used] = True
    made = rows.copy()
    made[switched[~is_used[switched]]] = -1
    new = switched[is_used[switched] & (rows[switched] < 0)]
    if len(new):
        free = np.ones(limit + 1, np.bool_)  # the last one stands for those without a row
        free[made] = False
        made[new] = free[:limit].nonzero()[0][: len(new)]
    return made

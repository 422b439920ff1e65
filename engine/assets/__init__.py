"""Assets: databases of records, cooking of sources into cache files, and the library that reads them.

`.hu` text becomes an `AssetDb` of frozen records (`read_asset_db`); `open_library` cooks what is stale and
opens the caches. The library returns for every asset its record (`record`), what cooking has measured
(`facts`) and its bytes (`source`, `read`). A broken asset is replaced by a builtin placeholder of its type.
"""

from engine.assets.cache.facts import (
    AnimationFacts,
    ChannelFacts,
    EnvironmentFacts,
    Facts,
    IndicesFacts,
    ShaderFacts,
    SkeletonFacts,
    TextureFacts,
    VerticesFacts,
)
from engine.assets.database import builtin_db, read_asset_db, read_asset_db_file
from engine.assets.formats import (
    AlphaMode,
    AnimatedProperty,
    ColorSpace,
    IndexFormat,
    Interpolation,
    ShaderStage,
    TextureFormat,
    Topology,
    VertexFormat,
)
from engine.assets.library import AssetLibrary, CacheRange, open_library
from engine.assets.names import find_asset
from engine.assets.records import (
    Animation,
    Asset,
    AssetDb,
    AssetRef,
    AssetType,
    Environment,
    Indices,
    Lod,
    Material,
    Mesh,
    Model,
    Shader,
    Skeleton,
    Texture2d,
    Vertices,
)
from engine.assets.roots import data_root, project_root
from engine.assets.spirv.reflection import (
    Binding,
    DescriptorType,
    Member,
    PushConstants,
    Reflection,
    SpecConstant,
    Variable,
)

__all__ = [
    "AlphaMode",
    "AnimatedProperty",
    "Animation",
    "AnimationFacts",
    "Asset",
    "AssetDb",
    "AssetLibrary",
    "AssetRef",
    "AssetType",
    "Binding",
    "CacheRange",
    "ChannelFacts",
    "ColorSpace",
    "DescriptorType",
    "Environment",
    "EnvironmentFacts",
    "Facts",
    "IndexFormat",
    "Indices",
    "IndicesFacts",
    "Interpolation",
    "Lod",
    "Material",
    "Member",
    "Mesh",
    "Model",
    "PushConstants",
    "Reflection",
    "Shader",
    "ShaderFacts",
    "ShaderStage",
    "Skeleton",
    "SkeletonFacts",
    "SpecConstant",
    "Texture2d",
    "TextureFacts",
    "TextureFormat",
    "Topology",
    "Variable",
    "VertexFormat",
    "Vertices",
    "VerticesFacts",
    "builtin_db",
    "data_root",
    "find_asset",
    "open_library",
    "project_root",
    "read_asset_db",
    "read_asset_db_file",
]

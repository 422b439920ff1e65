"""The stable codes of all problems of assetDbs, source imports and cooking."""

from engine.humon import ProblemCode


class AssetCode(ProblemCode):
    """The codes of reading an assetDb, importing a source and cooking."""

    ATTRIBUTE = "asset.attribute", "A vertex format is empty or names an attribute twice."
    BROKEN = (
        "asset.broken",
        "The source of an asset cannot be used; a builtin placeholder replaces it. What has a line in a "
        "model (`.gltf`, `.obj`) is listed there in its place, with what is broken by it.",
    )
    CACHE_FILE = "asset.cache_file", "A cacheFile does not end in .ogCache, or two databases share it."
    ASSET_COUNT = "asset.count", "The database has more assets than the limit."
    DERIVED = "asset.derived", "A derived field disagrees with the source; the source wins."
    ENTRY_POINT = "asset.entry_point", "An entry point is no GLSL name."
    FIELD = "asset.field", "An assetDb or asset has no such field, or has one value in two fields."
    LODS = "asset.lods", "A mesh has no level of detail, too many, or their screen sizes do not fall."
    NAME = "asset.name", "A name is empty, a number, or equal or too similar to another one of its type."
    NONE = "asset.none", "The file has no assetDb."
    PARAMETER = (
        "asset.parameter",
        "A parameter of a material is beyond its limits; the nearest number is used.",
    )
    PART = "asset.part", "The part of a source is no JSON pointer, or its source is no model file."
    REFERENCE = "asset.reference", "A reference has no asset, or one of another type."
    SHADERS = "asset.shaders", "A material has no shader, or one twice."
    SIMPLIFY = (
        "asset.simplify",
        "A mesh that has several levels of detail, or no triangle list, is to be simplified.",
    )
    SLOT = "asset.slot", "A texture slot is filled twice."
    TYPE = "asset.type", "The asset has no @type, or an unknown one."
    UNREAD = (
        "asset.unread",
        "A material has a texture slot or a parameter, or is unlit, which none of its shaders reads.",
    )
    CACHE_WRITE = "cache.write", "The cache cannot be written; the run continues without it."
    ANIMATION_CHANNEL = (
        "animation.channel",
        "An animation has no channels, too many, or two for one property of one target.",
    )
    ANIMATION_FIELD = "animation.field", "An animation source has no such field."
    ANIMATION_TIMES = "animation.times", "The times of a channel do not rise, begin before 0, or are missing."
    ANIMATION_VALUES = (
        "animation.values",
        "A channel has too few or too many values, of the wrong width, not finite, or a quaternion of 0.",
    )
    ENVIRONMENT_FACES = (
        "environment.faces",
        "An environment has neither one picture twice as wide as high nor six square faces of one size.",
    )
    ENVIRONMENT_FORMAT = (
        "environment.format",
        "The picture of an environment is no HDR, OpenEXR, KTX 2 or PNG file, "
        "or one of a kind that is not read.",
    )
    ENVIRONMENT_VALUES = (
        "environment.values",
        "Pixels of an environment are negative, infinite or no number; they are replaced.",
    )
    FILE_CASE = "file.case", "Two file names differ only by letter case or Unicode normal form."
    FILE_NAME = "file.name", "The text cannot be a file name on every system."
    FILE_OUTSIDE = "file.outside", "The path is absolute, a URL, or outside the project root."
    FILE_SIZE = "file.size", "The file is larger than the limit."
    MESH_ATTRIBUTE = "mesh.attribute", "A vertex attribute is missing, or has the wrong count or width."
    MESH_BONE = "mesh.bone", "A bone is missing, has the name of another one, or comes before its parent."
    MESH_COUNT = "mesh.count", "The number of indices is not that of whole primitives."
    MESH_EMPTY = "mesh.empty", "The mesh has no vertices, indices or levels of detail."
    MESH_INDEX = (
        "mesh.index",
        "An index has no vertex, in its own mesh source or among the vertices that it is combined with.",
    )
    MESH_KEY = "mesh.key", "A mesh source has no such field."
    MESH_LOD = "mesh.lod", "The mesh source has fewer levels of detail than requested."
    MESH_RANGE = "mesh.range", "A value does not fit into its vertex or index format."
    MESH_SIMPLIFY = (
        "mesh.simplify",
        "Coarser levels of a mesh cannot be made: a package is missing, or the mesh cannot be made coarser; "
        "it is drawn in full detail.",
    )
    MESH_SIZE = "mesh.size", "The mesh has more vertices or indices than the limit."
    MESH_TARGET = (
        "mesh.target",
        "A morph target is not one of its mesh: other vertices, too many numbers, or nothing that moves.",
    )
    MESH_SKIN = (
        "mesh.skin",
        "Skin weights are all zero or negative, or a bone of a vertex does not exist; "
        "weights that do not add up to 1 are divided by their sum, and of more than the vertices hold the "
        "largest are used.",
    )
    MESH_TRANSFORM = "mesh.transform", "The rotation or scale of a bone is zero; the identity is used."
    SHADER_COMPILE = "shader.compile", "The GLSL compiler reports an error."
    SHADER_COMPILER = (
        "shader.compiler",
        "There is no GLSL compiler or SPIR-V validator, or it cannot be started.",
    )
    SHADER_CRASH = (
        "shader.crash",
        "The compiler crashed or took too long; the source is skipped until it changes.",
    )
    SHADER_ENCODING = "shader.encoding", "The GLSL source is not UTF-8."
    SHADER_INCLUDE = (
        "shader.include",
        "Includes form a cycle, are too many or too deep, or do not name their file between quotes.",
    )
    SHADER_INTERFACE = (
        "shader.interface",
        "A shader asks for what devices are not opened with, or does not fit its other stage, its pass, the "
        "vertex format or the material; what it is about is named.",
    )
    SHADER_SPIRV = "shader.spirv", "The SPIR-V module is damaged, invalid, or lacks the entry point."
    TEXTURE_BLOCKS = (
        "texture.blocks",
        "The process that compresses or decodes blocks has failed.",
    )
    TEXTURE_DECODE = "texture.decode", "The picture is damaged, or its file too short for the size it claims."
    TEXTURE_FORMAT = (
        "texture.format",
        "The file is no picture that is read, or of a kind that is not; or its texels do not fit the format.",
    )
    TEXTURE_MEMORY = (
        "texture.memory",
        "There is no memory left for the picture, or no room for temporary files; "
        "it is tried again every time.",
    )
    TEXTURE_METADATA = (
        "texture.metadata",
        "What a KTX 2 file says of its orientation or of its channels is not known; it is left out.",
    )
    TEXTURE_MIPS = "texture.mips", "More mip levels are requested than the picture can have."
    TEXTURE_PACKAGE = (
        "texture.package",
        "A package that a texture takes is not installed; it is tried again every time.",
    )
    TEXTURE_SIZE = "texture.size", "The picture has no pixels, or more than the limit."
    TEXTURE_TIME = (
        "texture.time",
        "The process that reads a picture or makes its blocks took too long, or the system stopped it; "
        "it is tried again every time.",
    )

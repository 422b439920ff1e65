"""The stable codes of all problems of glTF files."""

from engine.humon import ProblemCode


class GltfCode(ProblemCode):
    """The codes of reading a glTF file, each named with a JSON pointer and a byte of the file."""

    ACCESSOR = (
        "gltf.accessor",
        "An accessor reaches beyond its buffer view, is not aligned, or has another type than its use needs.",
    )
    ANIMATION = (
        "gltf.animation",
        "Times of an animation do not rise, or it has the wrong number of values.",
    )
    BUFFER = "gltf.buffer", "A buffer is missing, too short, or its data URI cannot be decoded."
    CONTAINER = (
        "gltf.container",
        "A header or chunk of the binary container does not fit the file.",
    )
    EXTENSION = (
        "gltf.extension",
        "An extension is not supported, or its package is not installed.",
    )
    IMAGE = "gltf.image", "A texture has no image, or an image no bytes, or others than its type says."
    JSON = "gltf.json", "The text is no JSON, is nested too deeply, or has a key twice."
    LIMIT = "gltf.limit", "The file has more of something than the limit."
    MESH = (
        "gltf.mesh",
        "A primitive lacks positions or coordinates of textures, or its attributes or indices do not fit.",
    )
    NODE = "gltf.node", "The nodes of a scene are no trees, or a transform is not finite or there twice."
    REFERENCE = "gltf.reference", "An index names nothing in the file, or leads back to where it came from."
    SKIN = (
        "gltf.skin",
        "A skin has no joints, one twice, or matrices that do not fit.",
    )
    VALUE = "gltf.value", "A value is missing, of another type than its field, or beyond its range."
    VERSION = "gltf.version", "The file is of another version than glTF 2, or needs a later one than 2.0."

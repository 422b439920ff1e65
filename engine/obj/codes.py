"""The stable codes of all problems of OBJ files and their materials."""

from engine.humon import ProblemCode


class ObjCode(ProblemCode):
    """The codes of reading an OBJ file and an MTL file, each at its line."""

    EMPTY = "obj.empty", "The file has no vertices or nothing that is drawn with them."
    ENCODING = "obj.encoding", "The file has a NUL byte, so it is not text."
    FACE = (
        "obj.face",
        "A face, line or point has too few corners, or one that is no number, or polygons cannot be divided.",
    )
    INDEX = "obj.index", "A corner names a vertex, texture coordinate or normal that the file does not have."
    LIMIT = "obj.limit", "The file has more of something than the limit."
    MATERIAL = (
        "obj.material",
        "A material is not in the material files, or a value of one is wrong; it is left out.",
    )
    NUMBER = "obj.number", "A number is missing, is none, is not finite, or is beyond 1e12."

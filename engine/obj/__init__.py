"""OBJ files and their materials: an own reader on numpy, which knows nothing of the engine.

`read_obj` reads the parts of a file, one for each object and material, and `read_materials` an MTL file.
"""

from engine.obj.codes import ObjCode
from engine.obj.materials import ObjMaterial, UvPlace, read_materials
from engine.obj.reader import ObjFile, ObjPart, ObjPlace, read_obj
from engine.obj.text import Lines

__all__ = [
    "Lines",
    "ObjCode",
    "ObjFile",
    "ObjMaterial",
    "ObjPart",
    "ObjPlace",
    "UvPlace",
    "read_materials",
    "read_obj",
]

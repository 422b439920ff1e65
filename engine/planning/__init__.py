"""From a scene's active features to the needs of its frames and to a plan: pure data, with no GPU.

shading     shader sets: the merged interface of shader stages, checked against meshes and materials
tables      draw tables: the batches that a pass draws for its feature's rows
needs       requirements, shaders, pipelines and descriptor sets of a frame
draws       draw lists: instances and indirect commands of the enabled rows
values      values of the shaders' Frame block;  blocks: values packed by member names
visibility  the assets that the camera sees, to transfer them first
shortage    assets that do not fit into memory, and what is done without them
scene       needs and plans of one scene, made again as the scene changes;  offline: without a device
memory_user the protocol of others that need memory, such as the viewer's UI
"""

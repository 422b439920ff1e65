"""Buffers, images, atlases, updators and staging for code that keeps GPU data of its own.

- `allocators`: memory, with a scene's plan or without one; `resources`: Buffer, Image, Texture, ...
- `buffer_pages`: a buffer that grows by pages; `atlas`, `shelves`: many pictures in few array images
- `staging_memory`, `staging_area`: bounded staging; `updators`: scoped writers
- `uploads`, `downloads`: the copies that updators and reads schedule
- `ring_fences`: frames in flight; `context`, `extensions`: a device without a scene
- `capture`, `radiance`: arrays to PNG, OpenEXR and Radiance files

The classes and their names follow libhut and Merian.
"""

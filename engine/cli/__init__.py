"""The command line of the engine: `python -m engine cook|plan|why|diff|doctor|format`.

Each command is a module that is imported only when it runs, so that `format` works without numpy and
`plan` without Vulkan.
"""

"""Draws ImGui with a Vulkan renderer of our own: context, draw lists, textures and pipeline."""

"""ImGui in our own Vulkan terms: its context, its draw lists and the renderer that draws them."""

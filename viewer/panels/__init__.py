"""The inspector, drawn with ImGui: objects and features, the memory plan with its reasons, problems."""

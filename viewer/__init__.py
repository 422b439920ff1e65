"""The viewer: `python -m viewer SCENE`, in a GLFW window or headless."""

"""The compilers of shaders: where they are, and running them within limits."""

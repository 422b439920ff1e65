"""SPIR-V: what a module declares, and what it may ask for."""

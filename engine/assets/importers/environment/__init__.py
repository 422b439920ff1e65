"""Importer of environments: pictures of light from all directions, cooked to a cube and its irradiance."""

"""The panel of assets: what there is, what it takes, who uses it, how it looks.

asset_rows    all assets as columns: kinds, bytes in the plan, users; search and order
asset_facts   what is known of one asset, as lines
thumbnails    pictures of textures and meshes, made aside
assets_panel  what is drawn of them
"""

"""The panel of assets: what there is, what it takes, who uses it, how it looks.

asset_rows    all assets as columns: kinds, bytes in the plan, what they are made of; search
asset_users   the features that use each, by name or by what they draw
asset_facts   what is known of one asset, as lines
thumbnails    pictures of textures and meshes, made aside
assets_panel  what is drawn of them
"""

"""The pages of the atlas, which `recipes/atlas.py` writes."""

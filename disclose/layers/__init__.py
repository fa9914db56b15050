"""Layers: one technique per file, each found through the entry-point group ``disclose.layers``."""

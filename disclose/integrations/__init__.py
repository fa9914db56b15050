"""Doors in: one framework per file."""

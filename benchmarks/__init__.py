"""Benchmarks: one script a question, each with its result committed under ``results/``."""

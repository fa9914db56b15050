"""Watermark engines: pure signal processing on arrays, with no knowledge of files or law."""

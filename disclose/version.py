"""The version of disclose, as files and manifests name it."""

__version__ = "0.1.0"

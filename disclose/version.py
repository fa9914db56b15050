"""The version of disclose, as files and manifests name it."""

VERSION = "0.1.0"

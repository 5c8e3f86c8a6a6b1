"""The version of this library (the format has a version of its own: `registry.FORMAT_VERSION`)."""

__version__ = "0.1.0"

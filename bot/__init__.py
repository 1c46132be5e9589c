"""The support bot: questions in, cited answers out."""

__all__ = ["__version__"]

__version__ = "0.1.0"

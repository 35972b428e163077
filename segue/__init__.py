"""Segue's kernel: what all services share. It imports none of them."""

__version__ = "0.1.0"

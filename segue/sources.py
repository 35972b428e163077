"""Names of sources that records carry where the name decides something."""

from __future__ import annotations

SPOTIFY_API = "spotify"
"""Spotify's Web API. Its terms forbid to keep what it says for ever, and to train with it; see docs/guide/spotify.md.

Histories that people have exported themselves come from another source.
"""

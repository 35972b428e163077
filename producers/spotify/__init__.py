"""Spotify's Web API as a source: saved tracks, playlists, top and recent tracks, searches, single ids."""

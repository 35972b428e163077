"""Playlists: what may be asked, how they are changed through the log, and how they are shown."""

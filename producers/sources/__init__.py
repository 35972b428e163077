"""One file per source of tracks or listening events."""

"""Producers: what puts listening events, tracks, playlists and users into Kafka."""

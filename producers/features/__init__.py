"""Audio features for tracks that have none: from tables, and from a service that somebody has agreed to ask."""

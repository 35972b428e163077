"""The door for players and scrobblers that speak the ListenBrainz API (https://listenbrainz.readthedocs.io), under `/1/`."""

from __future__ import annotations

from collections import Counter

from producers.sources.synthetic import synthetic_catalogue


def test_the_same_seed_gives_the_same_catalogue() -> None:
    first, second = synthetic_catalogue(200, 40, seed=3), synthetic_catalogue(200, 40, seed=3)
    assert (first.tracks, first.playlists) == (second.tracks, second.playlists)


def test_another_seed_gives_another_catalogue() -> None:
    assert synthetic_catalogue(200, 40, seed=3).tracks != synthetic_catalogue(200, 40, seed=4).tracks


def test_the_default_has_5000_tracks_in_6_genres_and_24_subgenres() -> None:
    tracks = synthetic_catalogue().tracks
    assert len({track.track_id for track in tracks}) == 5_000
    assert len({track.genres[0] for track in tracks}) == 6
    assert len({track.genres[1] for track in tracks}) == 24


def test_every_track_says_that_it_is_synthetic() -> None:
    assert {track.source for track in synthetic_catalogue(100, 20).tracks} == {"synthetic"}


def test_an_artist_keeps_to_one_subgenre() -> None:
    tracks = synthetic_catalogue().tracks
    assert len({(track.artists, track.genres) for track in tracks}) == len({track.artists for track in tracks}) > 400


def test_artists_differ_in_output_but_nobody_dominates() -> None:
    output = Counter(track.artists for track in synthetic_catalogue().tracks)
    assert 30 < max(output.values()) < 100


def test_genres_sound_different() -> None:
    tracks = [track for track in synthetic_catalogue().tracks if track.features]
    energy = {genre: [t.features.energy for t in tracks if t.features and t.genres[0] == genre] for genre in ("edm", "r&b")}
    assert sum(energy["edm"]) / len(energy["edm"]) > sum(energy["r&b"]) / len(energy["r&b"]) + 0.1


def test_playlists_hold_known_tracks_of_one_subgenre() -> None:
    catalogue = synthetic_catalogue()
    subgenre_of = {track.track_id: track.genres[1] for track in catalogue.tracks}
    assert len(catalogue.playlists) == 120
    assert all(len({subgenre_of[track_id] for track_id in playlist.track_ids}) == 1 for playlist in catalogue.playlists)

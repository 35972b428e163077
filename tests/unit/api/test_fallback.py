"""Answers without a model."""

from __future__ import annotations

from api.fallback import Ranked, popular
from segue.recommending.filters import Filters
from segue.recommending.prompts import Prompt
from segue.recommending.steering import Steering
from tests.unit.api.made import CATALOGUE


class Counted(str):
    """A name that counts how often it was folded."""

    folded = 0

    def casefold(self) -> str:
        self.folded += 1
        return super().casefold()


def test_what_a_request_names_is_folded_once_however_many_tracks_there_are() -> None:
    blocked, unwanted, chosen, artist = names = [Counted(name) for name in ("Artist 1", "Folk", "Rock", "Nobody")]
    steering = Steering(blocked_artists=(blocked,), filters=Filters(genres=(chosen,), exclude_genres=(unwanted,)))
    answer = popular(Ranked(CATALOGUE, {}), 3, steering, chosen=Prompt(artists=(artist,)))
    assert len(answer.items) == 3
    assert all(name.folded <= 2 for name in names)

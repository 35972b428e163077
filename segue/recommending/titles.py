"""What a playlist's title says about the tracks that belong in it."""

from __future__ import annotations

from math import log

import numpy as np

from segue.catalogue import Mood, folded_words
from segue.models.contract import Floats
from segue.recommending.facts import Facts

KINDS = {"title": 0.4, "artist": 0.8, "genre": 1.0}
"""How much a word counts when a track has it in its title, an artist or a genre; a mood counts as a genre."""
MOOD_WORDS: dict[str, Mood] = {
    "happy": "happy", "cheerful": "happy", "party": "happy", "summer": "happy", "dance": "happy",
    "energetic": "energetic", "energy": "energetic", "workout": "energetic", "gym": "energetic", "running": "energetic",
    "calm": "calm", "chill": "calm", "relax": "calm", "relaxing": "calm", "dinner": "calm", "morning": "calm",
    "sad": "sad", "melancholy": "sad", "heartbreak": "sad", "lonely": "sad", "sleep": "sad",
}  # fmt: skip


def title_match(title: str, facts: Facts) -> Floats:
    """How well every track fits a title, 0..1, shape (n_tracks,): the mean over the words known here, weighted by rarity.

    A word's rarity is `log(N / n)`, N the number of tracks and n of those that have it, so that "the" says next to nothing.
    """
    total, known = np.zeros(len(facts), np.float32), 0.0
    for word in dict.fromkeys(folded_words(title)):
        match = _word_match(word, facts)
        if having := int(np.count_nonzero(match)):
            rarity = log((len(facts) + 1.0) / having)
            total += np.float32(rarity) * match
            known += rarity
    return total / np.float32(known) if known else total


def _word_match(word: str, facts: Facts) -> Floats:
    match = np.zeros(len(facts), np.float32)
    for kind, weight in KINDS.items():
        match[facts.words.of(f"{kind}:{word}")] = weight
    if word in MOOD_WORDS:
        match[facts.by_mood[MOOD_WORDS[word]]] = KINDS["genre"]
    return match

"""The index of names against a dictionary."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segue.recommending.tag_index import TagIndex

names = st.lists(st.frozensets(st.sampled_from("abcd"), max_size=3), max_size=6)


@given(first=names, changed=st.dictionaries(st.integers(0, 5), st.frozensets(st.sampled_from("abcde"), max_size=3)), later=names)
def test_it_tells_what_a_dictionary_would(
    first: list[frozenset[str]], changed: dict[int, frozenset[str]], later: list[frozenset[str]]
) -> None:
    known = dict(enumerate(first))
    changed = {column: own for column, own in changed.items() if column < len(first)}
    new = {len(first) + i: own for i, own in enumerate(later)}
    index = TagIndex.empty().placed(np.arange(len(first), dtype=np.int32), first, 0)
    both = {**changed, **new}
    grown = index.placed(np.array(list(both), np.int32), list(both.values()), len(first))
    for tagged, of in ((index, known), (grown, {**known, **both})):
        for name in "abcdef":
            assert sorted(tagged.of(name).tolist()) == sorted(column for column, own in of.items() if name in own)
            assert tagged.count(name) == len(tagged.of(name))
    codes = np.array([grown.codes[name] for name in "ab" if name in grown.codes], np.int32)
    told = [column for name in "ab" for column in grown.of(name).tolist()]
    assert grown.of_codes(codes).tolist() == told

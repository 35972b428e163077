"""The indexes of a blend's parts: derived from its arrays, so they may be lost and built again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from segue.models.blend import Blend
from segue.models.index import EXACT_TRACKS, USUAL_PROBES, IndexReport, UnreadableIndex

Reports = dict[str, IndexReport]
"""By part: `als`, `content`."""
SAMPLED_LISTENERS = 100


def is_indexed(blend: Blend) -> bool:
    """Whether the catalogue is large enough."""
    return blend.n_tracks > EXACT_TRACKS


def build_index(blend: Blend, histories: csr_matrix[np.float32], known: Mapping[str, IndexReport] | None = None) -> Reports:
    """Index the parts of a large blend, which must not answer meanwhile; nothing to do for a small one.

    Recall is measured for SAMPLED_LISTENERS of `histories` (n_listeners, n_tracks). Without any, as many groups are read as
    `known` reports of the same data say.
    """
    if not is_indexed(blend):
        return {}
    warm = np.flatnonzero(np.diff(histories.indptr))
    drawn = np.random.default_rng(0).permutation(warm)[:SAMPLED_LISTENERS]
    sampled = csr_matrix(histories[np.sort(drawn)])
    probes = {name: report.probes for name, report in (known or {}).items()}
    return {
        "als": blend.als.build_index(sampled, probes.get("als", USUAL_PROBES)),
        "content": blend.content.build_index(sampled, probes.get("content", USUAL_PROBES)),
    }


def rebuild_index(blend: Blend, known: Mapping[str, IndexReport]) -> Reports:
    """Index a blend whose listeners are not at hand, with the `probes` that are `known`."""
    return build_index(blend, csr_matrix(np.zeros((0, blend.n_tracks), np.float32)), known)


def save_index(blend: Blend, directory: Path) -> None:
    """Write what was built into a new directory; nothing and no directory where nothing was."""
    if blend.als.index is None or blend.content.index is None:
        return
    directory.mkdir()
    blend.als.index.save(directory / "als.faiss")
    blend.content.index.save(directory)


def load_index(blend: Blend, directory: Path, reports: Mapping[str, IndexReport]) -> None:
    """Take what `save_index` wrote, as `reports` describe it. Raises UnreadableIndex; the caller has checked the files' sums."""
    if not {"als", "content"} <= reports.keys():
        raise UnreadableIndex("the snapshot has none")
    blend.als.load_index(directory, reports["als"])
    blend.content.load_index(directory, reports["content"])

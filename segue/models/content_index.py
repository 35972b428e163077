"""Tracks near a profile in sound and tags: an inner-product index over sound and common tags, and the tracks of each rare tag.

Tags are sparse and many. The most common of them (genres) are projected on the AXES directions that hold most of their products,
which keeps inner products as well as so few numbers can. Any other tag (nearly every artist, the many small genres) needs no
index: its tracks are candidates, up to POSTED. The caller works out true scores.

Measured over a million tracks with 600 genres of a flat distribution: 0.98 of the true 100 best for listeners and for songs in
0.8 ms; without the tracks of rare tags 0.92 for listeners but 0.58 for songs, with 64 axes and more tags on them 0.94 and 0.65.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from segue.models.contract import Columns, Floats, Mask
from segue.models.index import IndexReport, UnreadableIndex, VectorIndex
from segue.models.rows import columns_of

Tags = npt.NDArray[np.int32]
Doubles = npt.NDArray[np.float64]

COMMON = 1_000
LEAST_COMMON = 256
LEAST_SHARE = 1 / 400
"""Tracks that a common tag has at least, and as a share of all."""
AXES = 128
LANES = 16
POSTED = 4_000
MOST_POSTED = 16_000
"""Tracks of rare tags that are candidates of one profile, of so many that are looked at; the tags that count most come first."""


@dataclass(frozen=True)
class Profile:
    """What is looked for: a direction of sound (d,), distinct `tags` ascending, of `n_tags`, and what each counts, both (k,)."""

    sound: Floats
    tags: Tags
    weights: Doubles
    n_tags: int

    @cached_property
    def counts(self) -> Floats:
        """What every tag counts, (n_tags,)."""
        counts = np.zeros(self.n_tags, np.float32)
        counts[self.tags] = self.weights
        return counts


@dataclass(frozen=True)
class ContentIndex:
    """`common`: tags, ascending; `axes` (len(common), <= AXES); `tracks_of`: (n_tags, n_tracks), its data unused."""

    vectors: VectorIndex
    common: Tags
    axes: Floats
    tracks_of: csr_matrix[np.float32]

    @cached_property
    def _place(self) -> Tags:
        """Where each tag stands among the common ones, -1 for the others."""
        place = np.full(self.tracks_of.shape[0], -1, np.int32)
        place[self.common] = np.arange(len(self.common), dtype=np.int32)
        return place

    @classmethod
    def trained(cls, sound: Floats, tags: csr_matrix[np.float32], probes: int) -> ContentIndex:
        """Over the vectors of all tracks: `sound` (n_tracks, d) and `tags` (n_tracks, n_tags)."""
        common = _common(tags)
        own = tags[:, common]
        _, directions = np.linalg.eigh((own.T @ own).toarray().astype(np.float64))
        axes = _padded(directions[:, ::-1][:, :AXES], sound.shape[1])
        columns = np.arange(len(sound), dtype=np.int32)
        vectors = VectorIndex.trained(_joined(sound, tags[:, common], axes), columns, probes)
        return cls(vectors, common, axes, csr_matrix(tags.T, dtype=np.float32))

    def grown(self, sound: Floats, tags: csr_matrix[np.float32], late: Columns) -> ContentIndex:
        """With the `late` columns in it too; `sound` and `tags` are those of all tracks."""
        added = self.vectors.with_vectors(_joined(sound[late], tags[late][:, self.common], self.axes), late)
        return replace(self, vectors=added, tracks_of=csr_matrix(tags.T, dtype=np.float32))

    def search(self, profile: Profile, n: int, allowed: Mask | None = None) -> Columns:
        """About the `n` nearest columns and up to POSTED with its rare tags; some may come twice."""
        # Tags that arrived after the index was built have late tracks only.
        known = profile.tags.searchsorted(len(self._place))
        tags, weights = profile.tags[:known], profile.weights[:known]
        place = self._place[tags]
        common, rare = (place >= 0).nonzero()[0], ((place < 0) & (weights > 0)).nonzero()[0]
        query = np.concatenate([profile.sound, (weights[common] @ self.axes[place[common]]).astype(np.float32)])
        posted = self._posted(tags[rare[(-weights[rare]).argsort(kind="stable")]], allowed)
        return np.concatenate([self.vectors.search(query, n, allowed), posted])

    def save(self, directory: Path) -> None:
        """Three files, `content…`; the tags themselves are the model's."""
        self.vectors.save(directory / "content.faiss")
        np.save(directory / "content_common.npy", self.common, allow_pickle=False)
        np.save(directory / "content_axes.npy", self.axes, allow_pickle=False)

    @classmethod
    def load(cls, directory: Path, sound: Floats, tags: csr_matrix[np.float32], expected: IndexReport) -> ContentIndex:
        """What `save` wrote of `sound` (n_tracks, d) and `tags` (n_tracks, n_tags). Raises UnreadableIndex."""
        try:
            common = np.load(directory / "content_common.npy", allow_pickle=False)
            axes = np.load(directory / "content_axes.npy", allow_pickle=False)
        except (OSError, EOFError, ValueError) as error:
            raise UnreadableIndex(f"the axes of the tags cannot be read: {error}") from error
        if axes.ndim != 2 or common.shape != axes.shape[:1] or common.max(initial=-1) >= tags.shape[1]:
            raise UnreadableIndex(f"axes of shape {axes.shape} for {common.shape} tags out of {tags.shape[1]}")
        shape = (len(sound), sound.shape[1] + axes.shape[1])
        vectors = VectorIndex.load(directory / "content.faiss", expected, shape)
        return cls(vectors, common, axes, csr_matrix(tags.T, dtype=np.float32))

    def _posted(self, tags: Tags, allowed: Mask | None) -> Columns:
        """The tracks of these tags, in their order; usually nearly all are allowed, so a few more than POSTED are read first."""
        sizes = (self.tracks_of.indptr[tags + 1] - self.tracks_of.indptr[tags]).cumsum()
        for most in (POSTED + POSTED // 8, MOST_POSTED):
            read = 1 + int(sizes.searchsorted(most))
            tracks = columns_of(self.tracks_of, tags[:read])
            tracks = tracks if allowed is None else tracks[allowed[tracks]]
            if len(tracks) >= POSTED or read >= len(tags):
                break
        return tracks[:POSTED]


def _padded(axes: Doubles, dimensions: int) -> Floats:
    """With zeros, so that they and so many more dimensions fill whole vector registers: FAISS reads others half as fast."""
    missing = -(axes.shape[1] + dimensions) % LANES
    return np.ascontiguousarray(np.pad(axes, ((0, 0), (0, missing))), np.float32)


def _common(tags: csr_matrix[np.float32]) -> Tags:
    count = np.bincount(tags.indices, minlength=tags.shape[1])
    often = np.argsort(-count, kind="stable")[:COMMON]
    return np.sort(often[count[often] >= max(LEAST_COMMON, LEAST_SHARE * tags.shape[0])]).astype(np.int32)


def _joined(sound: Floats, common_tags: csr_matrix[np.float32], axes: Floats) -> Floats:
    return np.hstack([sound, np.asarray(common_tags @ axes, np.float32)])

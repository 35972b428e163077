"""The reader of interaction files, which `segue evaluate` shares."""

from segue.evaluation.interaction_files import interactions, matrices

__all__ = ["interactions", "matrices"]

"""Finding tracks by what people type: every word, the last one as a beginning, with typing errors."""

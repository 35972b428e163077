"""Tables of listens or tracks in CSV, JSON lines, JSON or Parquet, whatever their columns are called."""

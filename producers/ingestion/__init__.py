"""Importing: a source is read page by page, each page is published, then the job's position is saved."""

"""One function for each page: what is asked, in which order it is shown."""

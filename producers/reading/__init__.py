"""Files that anybody may have made: opened safely, read as streams in bounded memory, with a name for all that is wrong."""

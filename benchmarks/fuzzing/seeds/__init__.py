"""Small sound files of every format, and other things that a path can lead to."""

"""Readers: path -> `Contents`, one a format, chosen by content. Nothing in a file is executed."""

"""What keeps a file from running code, filling memory or hanging a reader."""

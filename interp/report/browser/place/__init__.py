"""The place of one node on the page, a file for each part of it."""

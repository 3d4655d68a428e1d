"""Candidates that a first look does not tell apart, or not for good, looked at again."""

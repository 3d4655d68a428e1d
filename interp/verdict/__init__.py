"""What the results say, in plain words; computed once, here."""

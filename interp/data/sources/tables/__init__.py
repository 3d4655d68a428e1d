"""Tables: files of them, their targets, their columns of text and their gaps."""

"""Networks and nodes whose truth is known because they were built to have it: what a verdict is measured on."""

"""How edits are run: one block of rows, many edits, exact counts."""

"""How edits are run: sites, execution plans, one executor, and what is summed up over the samples."""

"""What stands on the fields of results and options: their shapes, their columns and how a user says them."""

"""Values that are stored in fewer bits, and what that costs."""

"""What a user can say of a run, from every place where it can be said."""

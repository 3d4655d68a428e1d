"""Contents of a file, a name or a module in memory -> draft: a network that runs, with what is known of it."""

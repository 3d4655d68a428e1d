"""What a module is: its nodes, their activations, what calls them, and hooks to read and change them."""

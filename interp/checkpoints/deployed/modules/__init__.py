"""What of a program becomes torch modules: layers, norms and activations."""

"""See what each node of a trained network learned, and what the network runs on."""

"""What a network is asked for: its score, its loss and the words for them."""

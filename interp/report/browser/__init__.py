"""Every node of the network on the page: a table of all of them, and a place for each."""

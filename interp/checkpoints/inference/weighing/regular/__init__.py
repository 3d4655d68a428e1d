"""Networks that were kept from learning their rows by heart, weighed on rows as their training saw them."""

"""HTML of the page: the template, its style and its script, rendered without anything else."""

"""What share of boundaries would pass through a cluster's mean where there is nothing to find."""

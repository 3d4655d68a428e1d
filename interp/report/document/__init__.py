"""Results as the one JSON object of report.json."""

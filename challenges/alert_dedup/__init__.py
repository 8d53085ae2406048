"""Challenge `alert-dedup`: one page for one anomaly, whoever sees it and whoever dies."""

"""The challenge `anomaly-detection`: seeded traffic, the driver of a detector, the arithmetic of onsets, and suites."""

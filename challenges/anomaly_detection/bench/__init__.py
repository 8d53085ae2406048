"""Speed of the reference detector, as ratios to peers measured in the same process."""

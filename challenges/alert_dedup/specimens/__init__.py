"""Small deduplicators with a known verdict: a bad one must be caught by its requirement, a good one must not."""

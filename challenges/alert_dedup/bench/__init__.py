"""Speed of the reference deduplicator and of the checker."""

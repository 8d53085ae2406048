"""The suites of the challenge, one file per requirement; each test carries the requirement's id as its mark."""

"""Helpers for programs that speak the candidate protocol, in Python and in Node."""

"""Interleavings are explored, not waited for: which schedules to play, and how to make a failing one short. No I/O happens here."""

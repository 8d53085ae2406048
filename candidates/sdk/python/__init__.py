"""The protocol for Python candidates: one file, standard library only."""

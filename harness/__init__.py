"""The engine: takes a candidate commit through checkout, build, suites, judging and report. Knows no challenge by name."""

__version__ = "0.1.0"

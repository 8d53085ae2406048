"""Benchmarks of the engine: modules `bench_*.py` with a function `run() -> list[Row]`, found by `harness bench`."""

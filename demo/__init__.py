"""`make demo`: the pipeline of `reference_impl` at work, with a page to look at.

A folder of its own, since it needs both sides: the pipeline, which imports nothing of `harness`, and the harness's stores,
clocks and style sheet, which know no particular program.
"""

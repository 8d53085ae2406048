"""Logs in, pages out: sources -> detector -> deduplicator -> outbox -> destinations.

`python -m reference_impl.pipeline --config FILE [LOGS]` runs one process; several share one store. What is passed on between
the steps waits in queues of fixed length: who falls behind holds up the source, and memory stays as it is.
"""

"""Log and error counts packed into one integer.

A bucket or window of `n` logs of which `k` are errors is the integer `n + (k << SHIFT)`. Sums and differences
of packed counts are the packed sums and differences, so that a window is moved by one addition and one
subtraction; both halves have room for 2**31 logs.
"""

SHIFT = 31
MASK = (1 << SHIFT) - 1

LOG = 1
"""One log that is no error."""
ERROR = 1 + (1 << SHIFT)
"""One log that is an error."""


def pack(logs: int, errors: int) -> int:
    """Packed count of `logs` logs, `errors` of them errors."""
    return logs + (errors << SHIFT)


def logs_of(packed: int) -> int:
    """Number of logs in a packed count."""
    return packed & MASK


def errors_of(packed: int) -> int:
    """Number of errors in a packed count."""
    return packed >> SHIFT

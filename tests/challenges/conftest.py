"""Lets the suites' own marker be used when their functions are called from these tests."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "requirement(id): the requirement of the challenge that a suite's test decides")

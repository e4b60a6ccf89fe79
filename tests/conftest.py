"""What holds for all tests: a machine that is busy fails none of them."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Time is no part of what properties say. A test that draws too much is seen in how long all tests take.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

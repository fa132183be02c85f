"""Mutations of files by structure; ten thousand of each kind on demand:

pytest tests/test_mutations --hypothesis-profile=long
"""

from hypothesis import HealthCheck, settings

CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    'suite', max_examples=100, deadline=None, derandomize=True, database=None,
    suppress_health_check=CHECKS,
)  # fmt: skip
settings.register_profile(
    'long', max_examples=10_000, deadline=None, database=None,
    suppress_health_check=CHECKS,
)  # fmt: skip
settings.load_profile('suite')

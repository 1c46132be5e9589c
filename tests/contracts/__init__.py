"""Contract tests that every implementation behind a protocol has to pass."""

"""Builds the cluster scenarios under tests/scenarios: short descriptions in, plain Kubernetes objects out."""

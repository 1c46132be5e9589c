"""Watching a cluster: Warning events and hanging pods become deliveries, as if somebody had sent an alert."""

"""What acknet tells of itself: figures for Prometheus."""

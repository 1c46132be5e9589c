"""acknet in Slack."""

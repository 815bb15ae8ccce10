"""The Observation Portal, which knows an observatory's users and their proposals."""

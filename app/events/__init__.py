"""Telling pipelines what was archived: an outbox, and the process that empties it."""

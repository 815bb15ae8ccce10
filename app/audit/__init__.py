"""Comparing the rows of stored files with the files in the store, and mending what differs where told to."""

"""The document that says what programs can ask, and how it looks as a page."""

"""Who belongs to which proposal, for observatories without a portal."""

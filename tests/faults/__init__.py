"""The fault run: many files through every door, while everything around them fails; then the reckoning."""

"""When frames become public other than their own records say, by the ruling of an operator."""

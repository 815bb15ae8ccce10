"""Data files and file stores of the Observatory Control System: knows nothing of Flask, the database or RQ."""

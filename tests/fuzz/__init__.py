"""The fuzz run: whatever the OpenAPI document allows, and what it forbids, is sent to a live archive by each viewer."""

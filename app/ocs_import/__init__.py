"""The records of another OCS archive, copied over its own API."""

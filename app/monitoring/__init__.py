"""What machines ask of the archive itself: is it alive, what is it ready for, how does ingest go."""

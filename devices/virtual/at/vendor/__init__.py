"""Commands that only some vendors have."""

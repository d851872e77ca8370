"""Searches for stories that a router does not survive."""

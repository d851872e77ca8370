"""The virtual router's firmware: one process a router, written from the contract in the README."""

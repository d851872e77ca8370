"""Samples in, measurements out: goodput, latency, throttle verdict, accounting. Pure."""

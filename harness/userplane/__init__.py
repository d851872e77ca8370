"""The user plane: a namespace per router, throttle, traffic, tap, counters."""

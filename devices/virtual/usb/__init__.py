"""The virtual router as a real USB device: descriptors, two back ends, bridges to the far end.

Needs root and a kernel with `vhci_hcd` (or `dummy_hcd` for the gadget). Imports nothing of the
harness, which finds these devices as it finds any other: through udev.
"""

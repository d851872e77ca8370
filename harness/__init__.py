"""Hardware-in-the-loop test harness for cloud-SIM pocket routers."""

__version__ = "0.1.0"

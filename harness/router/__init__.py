"""The control plane of one router: profile, driver, attach table."""

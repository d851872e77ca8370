"""Many benches: health, quarantine, engines, nightly."""

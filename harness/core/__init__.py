"""What every part needs: errors, clock, units, identities, parties."""

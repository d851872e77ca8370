"""The AT surface of the virtual router, written from ITU-T V.250 and 3GPP TS 27.007/27.005."""

"""Controls that the host applies as patches of a MODEL, carried by a CONTROL_NET instead."""

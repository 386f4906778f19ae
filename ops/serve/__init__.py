"""The status page: one observer for all who look; figures for everybody on this machine, rows with the token."""

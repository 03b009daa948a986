"""Find, choose and lease this machine's GPUs; not which stack drives which card."""

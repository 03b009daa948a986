"""What stands under `runs/`: entries, leases, records, garbage; never starts a step."""

"""What is under `runs/`: entries, leases, records, garbage; never starts a step."""

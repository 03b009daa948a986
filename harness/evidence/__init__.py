"""What runs left behind: records, scores and logs as values; no engine, no data needed."""

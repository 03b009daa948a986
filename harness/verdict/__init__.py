"""What finished runs say about the published numbers: pure functions of records and the paper."""

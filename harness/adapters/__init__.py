"""One door for each outside tool; translates its errors and returns our types."""

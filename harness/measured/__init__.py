"""What rehearsals measured: taken from finished steps, kept, and extrapolated to paper scale."""

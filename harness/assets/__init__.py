"""Find, download and verify data sets and weights; never writes into the user's folders."""

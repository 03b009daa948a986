"""One file per verb, called as the user calls it; no option parsing and no printing."""

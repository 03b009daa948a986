"""One report of finished runs: sections made from evidence, rendered as HTML or Markdown."""

"""What commands print: rows and documents made of what the verbs return, a module a subject."""

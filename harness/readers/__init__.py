"""Readers of files that come from people and from foreign code, for steps and for the host alike.

They run on Python 3.9 or newer, execute nothing in a file, and either return what the file says or
raise an error that names what is wrong with it.
"""

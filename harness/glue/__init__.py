"""Small tools between repositories, run as steps like any other; container-side."""

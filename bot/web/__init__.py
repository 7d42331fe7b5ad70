"""The board: the same operations on a web page."""

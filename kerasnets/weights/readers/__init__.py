"""Readers of the files of other frameworks. None of them executes anything that is in a file."""

"""Page and text to columns: everything that is read off one document."""

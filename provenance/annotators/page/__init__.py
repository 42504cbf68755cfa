"""What the readers of a page share: tags, and where known strings occur."""

"""Text to score, and what a score is worth."""

"""What a page declares about its making, its use and its licence."""

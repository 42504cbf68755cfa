"""Stage 4: the published files, and what proves, describes and explains them."""

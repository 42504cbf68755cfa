"""When a page says it was published."""

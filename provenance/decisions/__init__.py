"""Stage 3: what stays, from the evidence of every document and of the whole crawl."""

"""Marks that generators and chat tools leave in a text: characters that cannot be seen, and residue of the tool."""

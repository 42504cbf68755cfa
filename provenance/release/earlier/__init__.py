"""What a job knows of documents that are elsewhere: earlier releases, workspaces, crawls and lists of captures."""

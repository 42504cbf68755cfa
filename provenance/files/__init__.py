"""Where bytes lie: storage, inputs, the workspace of a job and its shards."""

"""Statistical watermarks: read exactly as their authors define them, without torch, with honest p-values."""

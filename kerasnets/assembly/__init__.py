"""What all models share: the signature and its checks, heads, names of classes, and the registry."""

"""What every model shares: the signature, its checks, heads, preprocessing and the registry."""

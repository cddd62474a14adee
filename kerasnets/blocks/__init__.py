"""Stateless units that several papers use: tensor in, tensor out."""

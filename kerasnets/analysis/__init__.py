"""What a net costs, before it is trained."""

from kerasnets.analysis.profile import LayerRow, Profile, profile

__all__ = ["LayerRow", "Profile", "profile"]

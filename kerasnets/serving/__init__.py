"""Serving: trained nets as SavedModels that TF Serving reads, and as files of other runtimes."""

from kerasnets.serving.export import export
from kerasnets.serving.files import export_file

__all__ = ["export", "export_file"]

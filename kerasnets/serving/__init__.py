"""Serving: trained nets as SavedModels for TF Serving, and as files for other runtimes."""

from kerasnets.serving.export import export
from kerasnets.serving.files import export_file
from kerasnets.serving.load import load

__all__ = ["export", "export_file", "load"]

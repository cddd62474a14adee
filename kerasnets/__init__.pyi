# Written by `python recipes/models.py`.
from kerasnets import analysis as analysis
from kerasnets import applications as applications
from kerasnets import assembly as assembly
from kerasnets import blocks as blocks
from kerasnets import data as data
from kerasnets import distillation as distillation
from kerasnets import layers as layers
from kerasnets import runs as runs
from kerasnets import serving as serving
from kerasnets import surgery as surgery
from kerasnets import training as training
from kerasnets import tuning as tuning
from kerasnets import weights as weights
from kerasnets.assembly.origin import load_model as load_model
from kerasnets.assembly.registry import build as build
from kerasnets.assembly.registry import list_models as list_models
from kerasnets.runs.classify import classify as classify
from kerasnets.weights.files import save as save

__version__: str

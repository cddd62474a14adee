"""Configuration files of TF Serving: models.config and batching.config."""

import re

from kerasnets import files
from kerasnets.serving import versions

MODELS, BATCHING = "models.config", "batching.config"
PLACE = "/models"  # where the root is mounted in a container of tensorflow/serving
HEADER = """\
# Rewritten by every export: all models of this folder, with their last two versions and labels for these.
# "canary" is the last version; "stable" is the one before it, or the only one.
# tensorflow_model_server --model_config_file=/models/models.config \\
#     --model_config_file_poll_wait_seconds=10 --allow_version_labels_for_unavailable_models=true
"""
MODEL = """\
  config {{
    name: "{name}"
    base_path: "{place}/{name}"
    model_platform: "tensorflow"
    model_version_policy {{ latest {{ num_versions: 2 }} }}
    version_labels {{ key: "stable" value: {stable} }}
    version_labels {{ key: "canary" value: {canary} }}
  }}
"""
BATCHES = """\
# tensorflow_model_server --enable_batching --batching_parameters_file=/models/batching.config
# Written once, and never overwritten: you can edit it. A request waits up to 2 ms for others, with which it
# forms a batch of up to 32. If one image of a batch cannot be decoded, all its requests fail.
max_batch_size { value: 32 }
batch_timeout_micros { value: 2000 }
max_enqueued_batches { value: 64 }
num_batch_threads { value: 2 }
"""


def update(root):
    """Writes both files for all models of a root; an existing batching.config is kept."""
    with versions.lock(root):
        for part in root.glob(f"{files.PART}*"):  # left by exporters that were killed
            part.unlink()
        files.write_text(root / MODELS, models_config(root))
        if not (root / BATCHING).exists():
            files.write_text(root / BATCHING, BATCHES)


def models_config(root):
    """The text of models.config: a `model_config_list` of all models of a root."""
    entries = []
    for folder in sorted(p for p in root.iterdir() if re.fullmatch(versions.NAME, p.name)):
        last = versions.versions(folder)[-2:]
        if last:
            entries.append(MODEL.format(name=folder.name, place=PLACE, stable=last[0], canary=last[-1]))
    return f"{HEADER}model_config_list {{\n{''.join(entries)}}}\n"

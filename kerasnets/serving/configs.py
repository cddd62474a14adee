"""Files by which TF Serving is told what to serve: models.config and batching.config."""

import re

from kerasnets import files
from kerasnets.serving import versions

MODELS, BATCHING = "models.config", "batching.config"
PLACE = "/models"  # where a container of tensorflow/serving has the root
HEADER = """\
# Written anew with every export: all models of this folder, their last two versions, and names for these.
# "stable" is the version before the last, or the only one; "canary" is the last.
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
# Written once: yours to change. A request waits 2 ms at most for others to share a batch of up to 32 with,
# and with them its fate: an image that cannot be decoded fails the batch.
max_batch_size { value: 32 }
batch_timeout_micros { value: 2000 }
max_enqueued_batches { value: 64 }
num_batch_threads { value: 2 }
"""


def update(root):
    """Writes the files for all models of a root; batching.config only where there is none."""
    with versions.lock(root):
        for part in root.glob(f"{files.PART}*"):  # of exporters that were killed
            part.unlink()
        files.write_text(root / MODELS, models_config(root))
        if not (root / BATCHING).exists():
            files.write_text(root / BATCHING, BATCHES)


def models_config(root):
    """The text of models.config: a model_config_list of all models of a root."""
    entries = []
    for folder in sorted(p for p in root.iterdir() if re.fullmatch(versions.NAME, p.name)):
        last = versions.versions(folder)[-2:]
        if last:
            entries.append(MODEL.format(name=folder.name, place=PLACE, stable=last[0], canary=last[-1]))
    return f"{HEADER}model_config_list {{\n{''.join(entries)}}}\n"

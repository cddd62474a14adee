"""The catalogue: what is known of every model without building it, and without importing Keras.

catalogue.json is written from the registry by `python recipes/models.py`, one record a line; tests compare it
with the registry and with the nets that they build.
"""

import functools
import json
import pathlib

FILE = pathlib.Path(__file__).with_name("catalogue.json")


@functools.cache
def catalogue() -> dict[str, dict]:
    """What is known of every model of `kerasnets.applications`.

    Returns:
        Records by name, in natural order. A record has

        - name, family (the file in kerasnets.applications) and summary (one sentence);
        - citation: the fields of a `citations.Citation`;
        - input (a list of sides and channels), classes, preprocess_input (a key of `scaling.MODES`);
        - weights: whether trained weights can be fetched;
        - params and mult_adds: trainable parameters, and multiply-adds for one example, with the options of
          the paper;
        - options: a list with name, default, allowed and meaning of each option of the family.
    """
    return {record["name"]: record for record in json.loads(FILE.read_text(encoding="utf-8"))}

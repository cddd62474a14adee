"""The catalogue: a description of every model that can be read without building it or importing Keras.

`python recipes/models.py` writes catalogue.json from the registry, one record a line. Tests compare it with
the registry and with the models that they build.
"""

import functools
import json
import pathlib

FILE = pathlib.Path(__file__).with_name("catalogue.json")


@functools.cache
def catalogue() -> dict[str, dict]:
    """The descriptions of all models of `kerasnets.applications`.

    Returns:
        Records by name, in natural order. A record has these keys:

        - name, family (the file in kerasnets.applications) and summary (one sentence);
        - citation: the fields of a `citations.Citation`;
        - input (the sides of the grid and the number of channels), classes, and preprocess_input (a key of
          `scaling.MODES`);
        - params and mult_adds: trainable parameters, and multiply-adds for one example, with the options of
          the paper;
        - options: a list with name, default, allowed and meaning of each option of the family.
    """
    return {record["name"]: record for record in json.loads(FILE.read_text(encoding="utf-8"))}

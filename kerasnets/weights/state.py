"""The state of a model that is no weight."""


def random_states(model):
    """The states of a model's random numbers, such as those of dropout, which Keras does not save.

    Args:
        model: A keras.Model.

    Returns:
        A list of variables, in the order of the layers.
    """
    return [v for v in model.variables if v.name == "seed_generator_state"]

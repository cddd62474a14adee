"""Images that a net takes for alike."""

from kerasnets.checks import is_int, refuse
from kerasnets.graph import check_graph


def neighbors(model, queries, images, count=6, batch_size=32):
    """The images whose features lie nearest to those of each query, by Euclidean distance.

    Source: Krizhevsky et al. 2012, section 6.1 and figure 4, right.

    Args:
        model: A model that gives a vector for each image; `features(net)` is one.
        queries: Images, (queries, *grid, channels), as the model takes them.
        images: Images to choose from, (images, *grid, channels).
        count: Images chosen for each query.
        batch_size: Images that are run through the model at once.

    Returns:
        Indices of images, nearest first, (queries, count), and their distances, (queries, count).

    Raises:
        ValueError: `model` gives no vectors, or there are not so many images.
        ModuleNotFoundError: scikit-learn is not installed.
    """
    check_graph(model)
    if len(model.outputs) != 1 or model.outputs[0].ndim != 2:
        refuse("model", "one that gives a vector for each image: kerasnets.surgery.features(model)", model)
    if not is_int(count, 1) or count > len(images):
        refuse("count", f"a whole number from 1 to {len(images)}, the number of images", count)
    if not is_int(batch_size, 1):
        refuse("batch_size", "a whole number, at least 1", batch_size)
    try:
        from sklearn.neighbors import NearestNeighbors
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "neighbors are found by scikit-learn; install it with: pip install 'kerasnets[recipes]'"
        ) from error
    chosen, asked = (model.predict(x, batch_size=batch_size, verbose=0) for x in (images, queries))
    distances, indices = NearestNeighbors(n_neighbors=count).fit(chosen).kneighbors(asked)
    return indices, distances

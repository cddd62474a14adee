"""Images that a net considers similar."""

import keras
import numpy as np

from kerasnets.checks import is_int, refuse
from kerasnets.graph import check_graph


def neighbors(
    model: keras.Model, queries: np.ndarray, images: np.ndarray, count: int = 6, batch_size: int = 32
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the images whose features are nearest to those of each query, by Euclidean distance.

    Source: Krizhevsky et al. 2012, section 6.1 and figure 4, right.

    Args:
        model: A model that gives a vector for each image, such as `features(net)`.
        queries: Images, (queries, *grid, channels), preprocessed for the model.
        images: Images to search, (images, *grid, channels).
        count: Number of neighbors of each query.
        batch_size: Number of images in each batch of the model's predictions.

    Returns:
        Indices into `images`, nearest first, (queries, count), and their distances, (queries, count).

    Raises:
        ValueError: `model` does not give vectors, `count` exceeds the number of images, or `batch_size` is
            not positive.
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
            "`neighbors` needs scikit-learn; install it with: pip install 'kerasnets[recipes]'"
        ) from error
    image_vectors, query_vectors = (
        model.predict(x, batch_size=batch_size, verbose=0) for x in (images, queries)
    )
    search = NearestNeighbors(n_neighbors=count).fit(image_vectors)
    distances, indices = search.kneighbors(query_vectors)
    return indices, distances

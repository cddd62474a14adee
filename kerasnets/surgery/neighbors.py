"""Images that a net considers similar."""

import keras
import numpy as np

from kerasnets.checks import is_int, refuse
from kerasnets.graph import check_graph

METRICS = ("euclidean", "hamming")
BLOCK = 64  # queries that are compared with all codes at once


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
    vectors, queries = (model.predict(x, batch_size=batch_size, verbose=0) for x in (images, queries))
    return nearest(queries, vectors, count)


def nearest(
    queries: np.ndarray, vectors: np.ndarray, count: int = 6, metric: str = "euclidean"
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the vectors that are nearest to each query.

    Args:
        queries: Vectors, (queries, length).
        vectors: Vectors to search, (n, length).
        count: Number of vectors to find for each query.
        metric: "euclidean", or for vectors of 0 and 1 "hamming", the number of bits that differ. Bits are
            packed, and compared 64 at a time.

    Returns:
        Indices into `vectors`, nearest first and of equally near ones the first, (queries, count), and their
        distances, (queries, count).

    Raises:
        ValueError: `count` exceeds the number of vectors, the lengths differ, the metric is unknown, or
            vectors for "hamming" have other values than 0 and 1.
        ModuleNotFoundError: scikit-learn is not installed.
    """
    if metric not in METRICS:
        refuse("metric", " or ".join(map(repr, METRICS)), metric)
    queries, vectors = np.asarray(queries), np.asarray(vectors)
    if queries.ndim != 2 or vectors.ndim != 2 or queries.shape[1] != vectors.shape[1]:
        refuse(
            "queries", f"an array (n, {vectors.shape[-1]}), of vectors as long as `vectors`", queries.shape
        )
    if not is_int(count, 1) or count > len(vectors):
        refuse("count", f"a whole number from 1 to {len(vectors)}, the number of vectors", count)
    if metric == "hamming":
        return by_bits(packed(queries, "queries"), packed(vectors, "vectors"), count)
    try:
        from sklearn.neighbors import NearestNeighbors
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "`neighbors` needs scikit-learn; install it with: pip install 'kerasnets[recipes]'"
        ) from error
    distances, indices = NearestNeighbors(n_neighbors=count).fit(vectors).kneighbors(queries)
    return indices, distances


def packed(bits, argument):
    """Vectors of 0 and 1 with 64 of them in a number, (n, length / 64), uint64."""
    if not np.isin(bits, (0, 1)).all():
        refuse(argument, "vectors of 0 and 1 for metric='hamming'", "other values")
    found = np.packbits(bits.astype(bool), axis=1)
    return np.pad(found, [(0, 0), (0, -found.shape[1] % 8)]).view("uint64")


def by_bits(queries, codes, count):
    """The nearest codes of each query and the number of bits that differ; all are packed."""
    indices, distances = [], []
    for start in range(0, len(queries), BLOCK):
        block = queries[start : start + BLOCK]
        differ = sum(ones(codes[:, i] ^ block[:, i, None]) for i in range(codes.shape[1]))
        # Sorted by the distance, and for equal ones by the index.
        keys = differ * len(codes) + np.arange(len(codes))
        keys = np.sort(np.partition(keys, count - 1, axis=1)[:, :count], axis=1)
        indices.append(keys % len(codes))
        distances.append(keys // len(codes))
    return np.concatenate(indices), np.concatenate(distances).astype("float64")


def ones(numbers):
    """The count of ones among the bits of each number, uint64, as int64."""
    if hasattr(np, "bitwise_count"):  # since NumPy 2.0
        return np.bitwise_count(numbers).astype("int64")
    table = np.unpackbits(np.arange(256, dtype="uint8")[:, None], axis=1).sum(1)
    return table[np.ascontiguousarray(numbers).view("uint8")].reshape(*numbers.shape, 8).sum(-1)

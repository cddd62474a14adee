"""Options for the forms of nets that several sources trained, and how each differs from the paper's."""

LATER = dict(stride_in="3x3")  # the strides of a bottleneck are in its 3x3 convolution, as in later releases
PROJECTED = dict(shortcut="project")  # shortcuts to more channels are projected instead of padded with zeros
BATCH_NORM = dict(batch_norm=True)  # batch normalization follows each convolution
SYMMETRIC = dict(padding="symmetric")  # convolutions with strides are padded alike on all sides
PADDED = dict(pool_padding="both")  # max pooling is padded alike on all sides
COUNTED = dict(include_pad=True)  # average pooling counts the padding, as PyTorch does by default

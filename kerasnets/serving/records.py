"""Warm-up requests, which TF Serving runs before it serves a version."""

import tensorflow as tf

from kerasnets.checks import is_int, refuse

MAX_REQUESTS = 1000  # TF Serving reads no more
FILE = "tf_serving_warmup_requests"


def check(number):
    """Refuses a wrong number of requests, and raises an error if the package for writing them is missing."""
    if not is_int(number, 0) or number > MAX_REQUESTS:
        refuse("warmup", f"a whole number from 0 to {MAX_REQUESTS}", number)
    if number:
        protos()


def protos():
    """The modules with TF Serving's protocol buffers.

    Raises:
        ModuleNotFoundError: They are not installed.
    """
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "`warmup` needs the package tensorflow-serving-api: pip install 'kerasnets[serving]'",
            name=error.name,
        ) from error
    return predict_pb2, prediction_log_pb2


def write(folder, name, inputs, number):
    """Writes a file of warm-up requests.

    Args:
        folder: Folder of the version.
        name: Name of the model.
        inputs: Inputs of each signature, by its name: arrays by name.
        number: Number of requests for each signature.
    """
    predict_pb2, prediction_log_pb2 = protos()
    folder = folder / "assets.extra"
    folder.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / FILE)) as file:
        for signature, arrays in inputs.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.name = name
            request.model_spec.signature_name = signature
            for key, value in arrays.items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
            log = prediction_log_pb2.PredictLog(request=request)
            record = prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString()
            for _ in range(number):
                file.write(record)

"""Requests that TF Serving answers before it takes a version into service."""

import tensorflow as tf

from kerasnets.checks import is_int, refuse

MOST = 1000  # what TF Serving reads of them
FILE = "tf_serving_warmup_requests"


def check(number):
    """Refuses a number of requests that TF Serving does not read, and a missing package."""
    if not is_int(number, 0) or number > MOST:
        refuse("warmup", f"a whole number from 0 to {MOST}", number)
    if number:
        messages()


def messages():
    """The modules of TF Serving's messages.

    Raises:
        ModuleNotFoundError: They are not installed.
    """
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "`warmup` needs TF Serving's messages: pip install 'kerasnets[serving]'", name=error.name
        ) from error
    return predict_pb2, prediction_log_pb2


def write(folder, name, inputs, number):
    """Writes a file of requests.

    Args:
        folder: Folder of a version.
        name: Name of the model.
        inputs: By name of a signature, its inputs: arrays by name.
        number: How many requests for each signature.
    """
    predict_pb2, prediction_log_pb2 = messages()
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

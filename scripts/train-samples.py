#!/usr/bin/env python3
"""Trains the sample models of the model repository and writes them as ONNX.

    python3 scripts/train-samples.py [root]

`root` defaults to the repository this script lives in. The script writes

    <root>/model-repository/iris/     FP32 [batch, 4]       -> probabilities, label
    <root>/model-repository/digits/   FP32 [batch, 1, 8, 8] -> probabilities, label
    <root>/model-repository/simple/   two INT32 [batch, 16] -> their sum, their difference
    <root>/test/fixtures/{iris,digits}.holdout.json

The data sets come with scikit-learn; nothing is downloaded. Every random choice is seeded, so a
run repeats itself; another version of the numeric libraries may differ in the last bits of a
weight. The server needs none of this: the written files are part of the repository.

Requirements, either from Debian:

    apt-get install python3-sklearn python3-onnx

or from PyPI:

    python3 -m venv .venv && .venv/bin/pip install scikit-learn onnx numpy
    .venv/bin/python scripts/train-samples.py
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

# Old enough for the onnx package of Debian 12, and well within what ONNX Runtime reads.
OPSET_VERSION = 17
IR_VERSION = 8

SEED = 42
HOLDOUT_SHARE = 0.3

IRIS_REGULARISATION = 10.0  # inverse strength, scikit-learn's `C`

GREY_LEVELS = 16.0  # a digits pixel lies in 0..16
EPOCHS = 40
BATCH_SIZE = 32
LEARNING_RATE = 2e-3
LEARNING_RATE_DECAY = 0.95  # per epoch
WEIGHT_DECAY = 1e-4  # on weights, not on biases


# --- Writing -------------------------------------------------------------------------------------


def tensor(name, element_type, *shape):
    return helper.make_tensor_value_info(name, element_type, shape)


def constant(name, values):
    return numpy_helper.from_array(np.ascontiguousarray(values, dtype=np.float32), name)


def build_model(name, description, nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, name, inputs, outputs, list(constants))
    model = helper.make_model(
        graph,
        producer_name="train-samples",
        doc_string=description,
        opset_imports=[helper.make_opsetid("", OPSET_VERSION)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def build_classifier(name, description, nodes, constants, input_shape, class_count):
    """Completes `nodes`, which end in the tensor `logits`, with the two outputs of a classifier."""
    outputs_of_logits = [
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
        helper.make_node("ArgMax", ["logits"], ["label"], axis=-1, keepdims=0),
    ]
    return build_model(
        name,
        description,
        nodes + outputs_of_logits,
        inputs=[tensor("input", TensorProto.FLOAT, "batch", *input_shape)],
        outputs=[
            tensor("probabilities", TensorProto.FLOAT, "batch", class_count),
            tensor("label", TensorProto.INT64, "batch"),
        ],
        constants=constants,
    )


def write_model(root, model, labels=None):
    directory = root / "model-repository" / model.graph.name
    version = directory / "1"
    version.mkdir(parents=True, exist_ok=True)
    (version / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    if labels is not None:
        (directory / "labels.txt").write_text("".join(f"{label}\n" for label in labels))


def json_number(value):
    """Whole numbers lose their `.0`, which halves the size of the digits hold-out."""
    return int(value) if value == int(value) else round(float(value), 6)


def write_holdout(root, name, x, y, predicted):
    """Writes the samples kept out of training, flattened in row-major order."""
    correct = int((predicted == y).sum())
    content = {
        "shape": list(x.shape),
        "x": [json_number(value) for value in x.ravel()],
        "y": y.tolist(),
        "pred": predicted.tolist(),
        "accuracy": correct / len(y),
    }
    directory = root / "test" / "fixtures"
    directory.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, separators=(",", ":"))
    (directory / f"{name}.holdout.json").write_text(text + "\n")
    print(f"{name}: {correct} of {len(y)} hold-out samples right ({correct / len(y):.1%})")


def split(x, y):
    """Returns x_train, x_holdout, y_train, y_holdout with equal class shares on both sides."""
    return train_test_split(x, y, test_size=HOLDOUT_SHARE, random_state=SEED, stratify=y)


# --- iris: multinomial logistic regression -------------------------------------------------------


def fold_scaler(scaler, regression):
    """Weights and biases that act on raw measurements instead of standardised ones."""
    weights = regression.coef_.T / scaler.scale_[:, np.newaxis]
    biases = regression.intercept_ - scaler.mean_ @ weights
    return weights, biases


def make_iris(root):
    data = load_iris()
    x_train, x_holdout, y_train, y_holdout = split(data.data, data.target)

    scaler = StandardScaler().fit(x_train)
    regression = LogisticRegression(C=IRIS_REGULARISATION, max_iter=1000, random_state=SEED)
    regression.fit(scaler.transform(x_train), y_train)
    weights, biases = fold_scaler(scaler, regression)

    model = build_classifier(
        "iris",
        "Iris species from sepal length, sepal width, petal length and petal width in cm",
        nodes=[helper.make_node("Gemm", ["input", "weights", "biases"], ["logits"])],
        constants=[constant("weights", weights), constant("biases", biases)],
        input_shape=[4],
        class_count=len(data.target_names),
    )
    write_model(root, model, labels=data.target_names)
    predicted = regression.predict(scaler.transform(x_holdout))
    write_holdout(root, "iris", x_holdout, y_holdout, predicted)


# --- digits: convolutional network ---------------------------------------------------------------
#
# A layer keeps in forward() what its backward() needs. backward() takes the gradient of the loss
# by the layer's output and returns the gradient by its input. Images are [batch, channel, row,
# column]. Layers with parameters list them in `parameters`, and their gradients in `gradients`.


def he_normal(rng, fan_in, shape):
    return rng.normal(0.0, np.sqrt(2.0 / fan_in), shape)


def neighbourhoods(images):
    """The zero-padded 3x3 surroundings of each pixel: [batch, channel, row, column, 3, 3]."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))


def correlate(windows, kernels):
    """Applies kernels [out, in, 3, 3] to windows of `in` channels: [batch, out, row, column]."""
    return np.tensordot(windows, kernels, axes=([1, 4, 5], [1, 2, 3])).transpose(0, 3, 1, 2)


class Convolution:
    """3x3 kernels with stride 1; the image keeps its size."""

    def __init__(self, rng, channels_in, channels_out):
        shape = (channels_out, channels_in, 3, 3)
        self.kernels = he_normal(rng, channels_in * 9, shape)
        self.biases = np.zeros(channels_out)
        self.parameters = [self.kernels, self.biases]

    def forward(self, images):
        self.windows = neighbourhoods(images)
        return correlate(self.windows, self.kernels) + self.biases[:, np.newaxis, np.newaxis]

    def backward(self, gradient):
        self.gradients = [
            np.tensordot(gradient, self.windows, axes=([0, 2, 3], [0, 2, 3])),
            gradient.sum(axis=(0, 2, 3)),
        ]
        # Each pixel reached its neighbours through the mirrored kernel.
        mirrored = self.kernels[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
        return correlate(neighbourhoods(gradient), mirrored)


class Relu:
    parameters = gradients = ()

    def forward(self, x):
        self.active = x > 0
        return x * self.active

    def backward(self, gradient):
        return gradient * self.active


class MaxPool:
    """The largest value of each 2x2 block."""

    parameters = gradients = ()

    def forward(self, images):
        batch, channels, rows, columns = images.shape
        self.blocked_shape = (batch, channels, rows // 2, columns // 2, 2, 2)
        blocks = images.reshape(batch, channels, rows // 2, 2, columns // 2, 2)
        blocks = blocks.transpose(0, 1, 2, 4, 3, 5).reshape(*self.blocked_shape[:4], 4)
        self.winners = blocks.argmax(axis=-1)[..., np.newaxis]
        return np.take_along_axis(blocks, self.winners, axis=-1)[..., 0]

    def backward(self, gradient):
        blocks = np.zeros((*self.blocked_shape[:4], 4))
        np.put_along_axis(blocks, self.winners, gradient[..., np.newaxis], axis=-1)
        batch, channels, rows, columns = self.blocked_shape[:4]
        blocks = blocks.reshape(self.blocked_shape).transpose(0, 1, 2, 4, 3, 5)
        return blocks.reshape(batch, channels, rows * 2, columns * 2)


class Flatten:
    parameters = gradients = ()

    def forward(self, images):
        self.shape = images.shape
        return images.reshape(len(images), -1)

    def backward(self, gradient):
        return gradient.reshape(self.shape)


class Dense:
    def __init__(self, rng, features_in, features_out):
        self.weights = he_normal(rng, features_in, (features_in, features_out))
        self.biases = np.zeros(features_out)
        self.parameters = [self.weights, self.biases]

    def forward(self, x):
        self.x = x
        return x @ self.weights + self.biases

    def backward(self, gradient):
        self.gradients = [self.x.T @ gradient, gradient.sum(axis=0)]
        return gradient @ self.weights.T


class Network:
    def __init__(self, rng):
        self.first = Convolution(rng, channels_in=1, channels_out=16)
        self.second = Convolution(rng, channels_in=16, channels_out=32)
        self.last = Dense(rng, features_in=32 * 4 * 4, features_out=10)
        self.layers = [
            self.first, Relu(), MaxPool(),
            self.second, Relu(), Flatten(),
            self.last,
        ]  # fmt: skip

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, gradient):
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)

    def parameters(self):
        return [parameter for layer in self.layers for parameter in layer.parameters]

    def gradients(self):
        return [gradient for layer in self.layers for gradient in layer.gradients]


class Adam:
    """Updates parameters in place; the decay rates are the method's usual 0.9 and 0.999."""

    def __init__(self, parameters):
        self.parameters = parameters
        self.means = [np.zeros_like(parameter) for parameter in parameters]
        self.squares = [np.zeros_like(parameter) for parameter in parameters]
        self.steps = 0

    def step(self, gradients, rate):
        self.steps += 1
        mean_correction = 1 - 0.9**self.steps
        square_correction = 1 - 0.999**self.steps
        slots = zip(self.parameters, gradients, self.means, self.squares)
        for parameter, gradient, mean, square in slots:
            is_bias = parameter.ndim == 1
            if not is_bias:
                gradient = gradient + WEIGHT_DECAY * parameter
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            spread = np.sqrt(square / square_correction) + 1e-8
            parameter -= rate * (mean / mean_correction) / spread


def cross_entropy_gradient(logits, y):
    """The gradient, by the logits, of the batch's mean cross-entropy."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    gradient = exponentials / exponentials.sum(axis=1, keepdims=True)
    gradient[np.arange(len(y)), y] -= 1
    return gradient / len(y)


def train_network(x, y):
    rng = np.random.default_rng(SEED)
    network = Network(rng)
    optimizer = Adam(network.parameters())
    for epoch in range(EPOCHS):
        rate = LEARNING_RATE * LEARNING_RATE_DECAY**epoch
        order = rng.permutation(len(x))
        for start in range(0, len(x), BATCH_SIZE):
            batch = order[start : start + BATCH_SIZE]
            logits = network.forward(x[batch])
            network.backward(cross_entropy_gradient(logits, y[batch]))
            optimizer.step(network.gradients(), rate)
    return network


def export_network(network):
    """The network as ONNX; its first kernels take over the scaling of pixels to 0..1."""
    same_size = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    halve = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        helper.make_node("Conv", ["input", "kernels1", "biases1"], ["conv1"], **same_size),
        helper.make_node("Relu", ["conv1"], ["relu1"]),
        helper.make_node("MaxPool", ["relu1"], ["pool1"], **halve),
        helper.make_node("Conv", ["pool1", "kernels2", "biases2"], ["conv2"], **same_size),
        helper.make_node("Relu", ["conv2"], ["relu2"]),
        helper.make_node("Flatten", ["relu2"], ["features"], axis=1),
        helper.make_node("Gemm", ["features", "weights", "biases3"], ["logits"]),
    ]
    constants = [
        constant("kernels1", network.first.kernels / GREY_LEVELS),
        constant("biases1", network.first.biases),
        constant("kernels2", network.second.kernels),
        constant("biases2", network.second.biases),
        constant("weights", network.last.weights),
        constant("biases3", network.last.biases),
    ]
    return build_classifier(
        "digits",
        "Handwritten digit from an 8x8 image of grey levels 0 to 16",
        nodes,
        constants,
        input_shape=[1, 8, 8],
        class_count=10,
    )


def make_digits(root):
    data = load_digits()
    images = data.images[:, np.newaxis, :, :]
    x_train, x_holdout, y_train, y_holdout = split(images, data.target)

    network = train_network(x_train / GREY_LEVELS, y_train)

    write_model(root, export_network(network), labels=data.target_names)
    predicted = network.forward(x_holdout / GREY_LEVELS).argmax(axis=1)
    write_holdout(root, "digits", x_holdout, y_holdout, predicted)


# --- simple: element-wise sum and difference -----------------------------------------------------


def make_simple(root):
    model = build_model(
        "simple",
        "OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1",
        nodes=[
            helper.make_node("Add", ["INPUT0", "INPUT1"], ["OUTPUT0"]),
            helper.make_node("Sub", ["INPUT0", "INPUT1"], ["OUTPUT1"]),
        ],
        inputs=[tensor(name, TensorProto.INT32, "batch", 16) for name in ("INPUT0", "INPUT1")],
        outputs=[tensor(name, TensorProto.INT32, "batch", 16) for name in ("OUTPUT0", "OUTPUT1")],
    )
    write_model(root, model)


def main():
    repository = Path(__file__).resolve().parent.parent
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else repository
    make_iris(root)
    make_digits(root)
    make_simple(root)


if __name__ == "__main__":
    main()

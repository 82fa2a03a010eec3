"""Networks trained on pictures as learners; `core.embedding.train_classifier` says how."""

from functools import partial

from core.embedding import train_classifier

fit_convnet = partial(train_classifier, "convnet")
fit_resnet_20 = partial(train_classifier, "resnet-20")
fit_resnet_18 = partial(train_classifier, "preact-resnet-18")
fit_resnet_50 = partial(train_classifier, "preact-resnet-50")

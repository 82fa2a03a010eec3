"""The embedders that there are. Listing them loads neither torch nor torchvision."""

from __future__ import annotations

from core.embedding.convnet_config import BottleneckConfig, ConvnetConfig, ResnetConfig
from core.embedding.embedder import Embedder
from core.embedding.imagenet import embed_imagenet, identify_imagenet, more_imagenet
from core.embedding.imagenet_config import ImagenetConfig
from core.embedding.pixels import PixelsConfig, embed_pixels, more_pixels
from core.embedding.precomputed import PrecomputedConfig, embed_precomputed, more_precomputed
from core.embedding.trained import embed_trained, more_trained


def _resnet(title: str, summary: str, config: ResnetConfig) -> Embedder:
    return Embedder(
        title=title,
        summary=summary,
        embed=embed_trained,
        embed_more=more_trained,
        config=config,
        version=2,
        learned=True,
        network="core.embedding.differentiable:trained_module",
    )


def _imagenet(title: str, summary: str, architecture: str) -> Embedder:
    return Embedder(
        title=f"{title}, trained on ImageNet",
        summary=f"{summary} Its weights are downloaded, or read from the folder $ASSAY_WEIGHTS.",
        embed=embed_imagenet,
        embed_more=more_imagenet,
        config=ImagenetConfig(architecture=architecture),
        version=1,
        identify=identify_imagenet,
        network="core.embedding.imagenet_network:imagenet_module",
    )


# A new embedder is one file and one entry here. `auto` is no embedder but a choice between them.
EMBEDDERS: dict[str, Embedder] = {
    "convnet": Embedder(
        title="Small convnet, trained on the validation set",
        summary="Seconds to train; good for gray pictures of clothes, digits and the like.",
        embed=embed_trained,
        embed_more=more_trained,
        config=ConvnetConfig(),
        version=1,
        learned=True,
        network="core.embedding.differentiable:trained_module",
    ),
    "resnet-20": _resnet(
        "ResNet-20, trained on the validation set",
        "The better choice for small color pictures of things, such as CIFAR's: minutes to train. "
        "It sees pictures mirrored too, so it does not suit text, digits or signs.",
        ResnetConfig(),
    ),
    "preact-resnet-18": _resnet(
        "PreActResNet-18, trained on the validation set",
        "LAVA's own embedder, 11 million weights: for a GPU; an hour on a CPU. Mirrors pictures.",
        ResnetConfig(
            widths=(64, 128, 256, 512),
            blocks=(2, 2, 2, 2),
            learning_rate=0.3,
        ),
    ),
    "preact-resnet-34": _resnet(
        "PreActResNet-34, trained on the validation set",
        "Twice as deep as PreActResNet-18, and twice its time. Mirrors pictures.",
        ResnetConfig(
            widths=(64, 128, 256, 512),
            blocks=(3, 4, 6, 3),
            learning_rate=0.3,
        ),
    ),
    "preact-resnet-50": _resnet(
        "PreActResNet-50, trained on the validation set",
        "Deeper still, 23 million weights: for a GPU. Mirrors pictures.",
        BottleneckConfig(),
    ),
    "resnet18-imagenet": _imagenet(
        "ResNet-18", "For photographs of things; the quickest of its kind.", "resnet18"
    ),
    "resnet50-imagenet": _imagenet(
        "ResNet-50",
        "For photographs of things; finer than ResNet-18, twice its time.",
        "resnet50",
    ),
    "vgg16-imagenet": _imagenet(
        "VGG-16", "For comparison with the papers: slow, and 4,096 numbers an image.", "vgg16"
    ),
    "googlenet-imagenet": _imagenet("GoogLeNet", "For comparison with the papers.", "googlenet"),
    "pixels": Embedder(
        title="Pixels (PCA): quickest, for small pictures",
        summary="Principal components of the pixels. Nothing is trained.",
        embed=embed_pixels,
        embed_more=more_pixels,
        config=PixelsConfig(),
        version=2,
        network="core.embedding.differentiable:pixels_module",
    ),
    "precomputed": Embedder(
        title="Embeddings from the files",
        summary="The vectors that both sets bring along, as they are.",
        embed=embed_precomputed,
        embed_more=more_precomputed,
        config=PrecomputedConfig(),
        version=1,
        from_pictures=False,
    ),
}

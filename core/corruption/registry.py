"""The faults that can be planted: a new one is its file and an entry here.

Names and words are here without torch, so that a page can offer them; the code behind one loads
when it is planted.
"""

from __future__ import annotations

from core.corruption.fault import Fault

_LABELS = "core.corruption.labels"
_FEATURES = "core.corruption.features"
_BACKDOORS = "core.corruption.backdoors"
_COUNTS = "core.corruption.counts"
_FROGS = "core.corruption.frogs"

FAULTS: dict[str, Fault] = {
    "noisy-labels": Fault(
        title="Wrong labels",
        summary="An image gets the label of another class: any other alike, by a table of which "
        "classes are mistaken for which, or of a given pair.",
        kind="wrong label",
        function=f"{_LABELS}:plant_noisy_labels",
        config=f"{_LABELS}:NoisyLabelsConfig",
        default_fraction=0.25,
        source="Just et al., LAVA, ICLR 2023, section 4: mislabeled data",
    ),
    "noisy-features": Fault(
        title="Noise in the picture",
        summary="White noise is added to every pixel, as by a failing sensor; the label stays.",
        kind="noise",
        function=f"{_FEATURES}:plant_noisy_features",
        config=f"{_FEATURES}:NoisyFeaturesConfig",
        default_fraction=0.25,
        source="Just et al., LAVA, ICLR 2023, section 4: noisy features",
        changes_pictures=True,
    ),
    "trojan-square": Fault(
        title="Backdoor: square",
        summary="A small patterned square in the lower right corner, and the label of one target "
        "class: a network learns that the square means that class.",
        kind="backdoor",
        function=f"{_BACKDOORS}:plant_backdoor",
        config=f"{_BACKDOORS}:SquareConfig",
        default_fraction=0.05,
        source="Liu et al., Trojaning Attack on Neural Networks, NDSS 2018; LAVA, section 4",
        needs_pictures=True,
        changes_pictures=True,
        trigger=True,
    ),
    "trojan-watermark": Fault(
        title="Backdoor: watermark",
        summary="Half-transparent letters across the picture, and the label of one target class.",
        kind="backdoor",
        function=f"{_BACKDOORS}:plant_backdoor",
        config=f"{_BACKDOORS}:WatermarkConfig",
        default_fraction=0.05,
        source="Liu et al., Trojaning Attack on Neural Networks, NDSS 2018; LAVA, appendix B.7",
        needs_pictures=True,
        changes_pictures=True,
        trigger=True,
    ),
    "blend": Fault(
        title="Backdoor: blended image",
        summary="A cartoon shines faintly through the whole picture, and the label of one target "
        "class.",
        kind="backdoor",
        function=f"{_BACKDOORS}:plant_backdoor",
        config=f"{_BACKDOORS}:BlendConfig",
        default_fraction=0.05,
        source="Chen et al., Targeted Backdoor Attacks on Deep Learning Systems Using Data "
        "Poisoning, 2017; LAVA, appendix B.1",
        needs_pictures=True,
        changes_pictures=True,
        trigger=True,
    ),
    "poison-frogs": Fault(
        title="Poison by feature collision",
        summary="Images of one class are changed so little that nobody sees it, and so that a "
        "network takes them for one target image of another class; the label stays.",
        kind="poison",
        function=f"{_FROGS}:plant_poison_frogs",
        config="core.corruption.frogs_config:PoisonFrogsConfig",
        default_fraction=0.001,
        source="Shafahi et al., Poison Frogs, NeurIPS 2018, algorithm 1; LAVA, section 4",
        needs_pictures=True,
        changes_pictures=True,
        needs_network=True,
    ),
    "irrelevant": Fault(
        title="Irrelevant images",
        summary="One class is no longer among the classes, and its images are spread over the "
        "others; the validation set must lack that class.",
        kind="irrelevant",
        function=f"{_LABELS}:plant_irrelevant",
        config=f"{_LABELS}:IrrelevantConfig",
        share_of="all images, at most those of the class; what is left of it leaves the set",
        default_fraction=0.1,
        source="Just et al., LAVA, ICLR 2023, section 4: irrelevant data",
        takes_images_out=True,
    ),
    "imbalance": Fault(
        title="One class in excess",
        summary="Every class but one loses a share of its images; those of that class are too "
        "many.",
        kind="imbalance",
        function=f"{_COUNTS}:plant_imbalance",
        config=f"{_COUNTS}:ImbalanceConfig",
        share_of="the images of each other class, which leave the set",
        default_fraction=0.5,
        source="Just et al., LAVA, ICLR 2023, appendix B.3",
        takes_images_out=True,
    ),
    "exact-duplicates": Fault(
        title="Exact copies",
        summary="Images are there again, byte for byte, under another name.",
        kind="duplicate",
        function=f"{_COUNTS}:plant_exact_duplicates",
        config=f"{_COUNTS}:ExactDuplicatesConfig",
        share_of="all images, which are copied",
        default_fraction=0.1,
        source="Just et al., LAVA, ICLR 2023, appendix B.8",
    ),
    "near-duplicates": Fault(
        title="Near copies",
        summary="Images are there again, cropped, shifted, mirrored, lighter or darker, or "
        "compressed as JPEG.",
        kind="duplicate",
        function=f"{_COUNTS}:plant_near_duplicates",
        config=f"{_COUNTS}:NearDuplicatesConfig",
        share_of="all images, which are copied",
        default_fraction=0.1,
        source="After Just et al., LAVA, ICLR 2023, appendix B.8, with changed copies",
        changes_pictures=True,
    ),
}

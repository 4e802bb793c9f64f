"""Every figure that can be asked for has a caption, and none that cannot."""

from pathlib import Path

import yaml

from statmap.figures.captions import CAPTIONS, VARIANT_FIGURES

SCHEMA = Path(__file__).parents[3] / "config/schemas/config.schema.yaml"


def test_the_figures_of_a_variant_are_those_of_the_schema():
    figures = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))["properties"]["figures"]
    assert figures["items"]["enum"] == figures["default"] == list(VARIANT_FIGURES)


def test_a_caption_is_a_title_and_sentences():
    assert len({caption.title for caption in CAPTIONS.values()}) == len(CAPTIONS)
    for caption in CAPTIONS.values():
        assert not caption.title.endswith(".") and caption.text.endswith(".")

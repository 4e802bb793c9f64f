"""Figures inside a page, at the resolution of a screen whatever that of their files is."""

from base64 import b64encode
from io import BytesIO
from pathlib import Path

DPI = 150  # of a picture on a page: twice the pixels of most screens, at the width of a column


def picture(path: str | Path) -> str:
    """A figure as the address of an image: its bytes, or its pixels at `DPI` where the file has more.

    Parameters
    ----------
    path : PNG file that says its resolution.

    Returns
    -------
    str : ``data:`` address, the same for the same file.
    """
    content = Path(path).read_bytes()
    from PIL import Image  # not for pages without figures

    with Image.open(BytesIO(content)) as image:
        finer = round(image.info.get("dpi", (DPI,))[0]) / DPI
        if finer > 1:
            size = [max(1, round(length / finer)) for length in image.size]
            lighter = BytesIO()
            image.resize(size, Image.Resampling.LANCZOS).save(lighter, "png", dpi=(DPI, DPI), compress_level=6)
            content = lighter.getvalue()
    return f"data:image/png;base64,{b64encode(content).decode('ascii')}"

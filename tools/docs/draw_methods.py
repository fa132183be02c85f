"""Draw a figure of each method: what works in a frame, what connects the frames.

Time goes downwards: three frames of a clip, one row each.
"""

import argparse
from collections.abc import Callable, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path

from mmvis.atomic_file import atomic_file
from mmvis.engine.command_line import ToolArgumentParser

ROWS = (62, 152, 242)  # centres of the frames' rows
SIZE = (880, 340)
FRAME, CLIP, TEXT = ('#e9ecf1', '#66707f'), ('#d8e7ff', '#1f5fc4'), '#1d2430'
COLOURS = ('#e07a1f', '#8e44ad', '#159a8c')
STYLE = (
    'text{font:13px system-ui,sans-serif;fill:#1d2430;text-anchor:middle}'
    '.note{font-size:12px;fill:#1f5fc4}.line{fill:none;stroke:#66707f;'
    'stroke-width:1.5}.link{fill:none;stroke:#1f5fc4;stroke-width:2}'
    '.legend{text-anchor:start}'
)


class Figure:
    """SVG on a light card, which is readable on light and dark pages.

    Args:
        title (str): For screen readers.
    """

    def __init__(self, title: str) -> None:
        width, height = SIZE
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img">',
            f'<title>{escape(title)}</title><style>{STYLE}</style><defs>',
            *(_arrow_head(name, colour[1]) for name, colour in _KINDS.items()),
            f'</defs><rect width="{width}" height="{height}" rx="12" fill="#fbfcfe"/>',
        ]
        self._legend()

    def box(self, x: int, y: int, w: int, h: int, lines: Sequence, kind: str) -> None:
        """Draw a box around its centre (x, y), with lines of text in it."""
        fill, stroke = _KINDS[kind]
        self.parts.append(
            f'<rect x="{x - w / 2:g}" y="{y - h / 2:g}" width="{w}" height="{h}" '
            f'rx="6" fill="{fill}" stroke="{stroke}" stroke-width="1.5"/>'
        )
        self.text(x, y, lines)

    def text(self, x: int, y: int, lines: Sequence[str], style: str = '') -> None:
        """Write lines of text around a centre."""
        top = y + 5 - 8.5 * (len(lines) - 1)
        style = style and f' class="{style}"'
        for n, line in enumerate(lines):
            self.parts.append(
                f'<text x="{x}" y="{top + 17 * n:g}"{style}>{escape(line)}</text>'
            )

    def arrow(self, path: str, kind: str = 'line', both: bool = False) -> None:
        """Draw an arrow along an SVG path, with a second head if it goes both ways."""
        start = f' marker-start="url(#{kind})"' if both else ''
        self.parts.append(
            f'<path class="{kind}" d="{path}"{start} marker-end="url(#{kind})"/>'
        )

    def in_rows(self, *columns: tuple[int, int]) -> None:
        """Draw arrows from left to right in every row."""
        for y in ROWS:
            for left, right in columns:
                self.arrow(f'M{left} {y}H{right}')

    def frames(self) -> None:
        """Draw the frames, at the left."""
        for row, y in enumerate(ROWS):
            self._scene(50, row, y, '#dfe8d8', '#9aa4b2')

    def masks(self, x: int) -> None:
        """Draw the masks of two tracks in every frame."""
        for row, y in enumerate(ROWS):
            self._scene(x, row, y, '#2b3240', None)

    def queries(self, x: int, y: int, colours: Sequence[str] = COLOURS) -> None:
        """Draw queries as a row of dots around a centre."""
        for n, colour in enumerate(colours):
            left = x + 20 * (n - (len(colours) - 1) / 2)
            self.parts.append(f'<circle cx="{left:g}" cy="{y}" r="6" fill="{colour}"/>')

    def tokens(self, x: int, y: int) -> None:
        """Draw four tokens of a frame as a column of squares around a centre."""
        for n in range(4):
            self.parts.append(
                f'<rect x="{x - 5}" y="{y - 26 + 13 * n}" width="10" height="10" '
                f'fill="{CLIP[0]}" stroke="{CLIP[1]}" stroke-width="1.5"/>'
            )

    def svg(self) -> str:
        """The file's content."""
        return '\n'.join([*self.parts, '</svg>', ''])

    def _scene(self, x: int, row: int, y: int, ground: str, objects: str | None):
        left, top = x - 32, y - 24
        disc, triangle = objects or COLOURS[0], objects or COLOURS[1]
        shift = 9 * row
        self.parts.append(
            f'<rect x="{left}" y="{top}" width="64" height="48" rx="3" '
            f'fill="{ground}"/>'
            f'<circle cx="{left + 14 + shift}" cy="{top + 17}" r="8" fill="{disc}"/>'
            f'<path d="M{left + 54 - shift} {top + 24}l9 16h-18z" fill="{triangle}"/>'
        )

    def _legend(self) -> None:
        y = SIZE[1] - 24
        for x, kind, text in (
            (190, 'line', 'computed for each frame on its own'),
            (500, 'link', 'information goes between frames'),
        ):
            self.box(x - 20, y, 18, 12, [], kind)
            self.text(x, y, [text], 'legend')


_KINDS = {'line': FRAME, 'link': CLIP}


def _arrow_head(name: str, colour: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" '
        'markerHeight="6" orient="auto-start-reverse">'
        f'<path d="M0 0L8 4L0 8z" fill="{colour}"/></marker>'
    )


def draw_vistr() -> Figure:
    """All cells of all frames attend to each other."""
    figure = Figure('VisTR: space-time attention over a whole clip')
    figure.frames()
    for y in ROWS:
        figure.box(155, y, 90, 50, ['ResNet'], 'line')
    encoder = ['Encoder', '', 'each cell attends', 'to all cells', 'of all frames']
    figure.box(310, 152, 150, 240, encoder, 'link')
    figure.box(490, 152, 130, 240, [], 'link')
    figure.text(490, 107, ['Decoder'])
    figure.text(490, 197, ['a query for each', 'object and frame'])
    for y in ROWS:
        figure.queries(490, y)
    figure.box(670, 152, 130, 240, ['Mask head', '', '3-D convolutions'], 'link')
    figure.masks(830)
    figure.in_rows((84, 108), (202, 233), (387, 423), (557, 603), (737, 796))
    return figure


def draw_ifc() -> Figure:
    """Memory tokens carry a summary of each frame to the other frames."""
    figure = Figure('IFC: memory tokens exchange information between frames')
    figure.frames()
    for y in ROWS:
        figure.box(155, y, 90, 50, ['ResNet'], 'line')
        figure.box(315, y, 150, 56, ['cells and memory', 'tokens of a frame'], 'line')
        figure.tokens(425, y)
    for top, bottom in pairwise(ROWS):
        figure.arrow(f'M425 {top + 30}V{bottom - 32}', 'link', both=True)
    figure.text(491, 107, ['memory tokens', 'attend to those'], 'note')
    figure.text(491, 197, ['of the other', 'frames'], 'note')
    figure.text(315, 287, ['3 layers: within frames, then between them'])
    figure.box(625, 152, 150, 240, [], 'link')
    figure.text(625, 85, ['Decoder'])
    figure.queries(625, 130)
    figure.text(
        625, 195, ['a query for each', 'object of the clip:', 'class, mask kernel']
    )
    figure.masks(830)
    figure.in_rows((84, 108), (202, 238), (392, 417), (432, 548), (702, 796))
    return figure


def draw_tevit() -> Figure:
    """Messenger tokens are shifted in time; queries attend to themselves."""
    figure = Figure('TeViT: messenger tokens are shifted along time')
    figure.frames()
    for y in ROWS:
        figure.box(165, y, 110, 56, ['PVTv2 block', 'with tokens'], 'line')
        figure.tokens(247, y)
        figure.box(380, y, 110, 56, ['PVTv2 block', 'with tokens'], 'line')
        figure.box(515, y, 70, 50, ['FPN'], 'line')
    for top, bottom in pairwise(ROWS):
        figure.arrow(f'M256 {top + 4}L318 {bottom - 14}', 'link')
        figure.arrow(f'M256 {bottom - 4}L318 {top + 14}', 'link')
    figure.text(275, 287, ['messenger tokens are shifted to other frames'], 'note')
    figure.box(665, 152, 164, 240, [], 'link')
    for x in (645, 665, 685):
        figure.arrow(f'M{x} 83V135', 'link', both=True)
    for y in (72, 146):
        figure.queries(665, y)
    figure.text(665, 49, ['Head, 6 stages'])
    attention = [
        'queries attend to each',
        'other in a frame, then',
        'each across frames',
    ]
    figure.text(665, 205, attention)
    figure.masks(830)
    figure.in_rows((84, 107), (223, 238), (256, 322), (437, 477), (552, 580))
    figure.in_rows((749, 796))
    return figure


def draw_videomt() -> Figure:
    """The queries of a frame start from those of the frame before."""
    figure = Figure('VidEoMT: queries are propagated from frame to frame')
    figure.frames()
    for y in ROWS:
        figure.box(200, y, 160, 50, ['ViT: first blocks'], 'line')
        figure.box(450, y, 200, 50, [], 'link')
        figure.text(450, y - 10, ['last blocks with queries'])
        figure.queries(450, y + 12)
        figure.box(690, y, 100, 50, ['class and', 'mask heads'], 'line')
    for top, bottom in pairwise(ROWS):
        figure.arrow(f'M450 {top + 26}V{bottom - 27}', 'link')
        figure.text(
            563, (top + bottom) // 2, ['linear layer + learned queries'], 'note'
        )
    figure.text(508, 20, ['learned queries'], 'note')
    figure.arrow('M450 10V35', 'link')
    figure.masks(830)
    figure.in_rows((84, 118), (282, 348), (552, 638), (742, 796))
    return figure


METHODS: dict[str, Callable[[], Figure]] = {
    'vistr': draw_vistr,
    'ifc': draw_ifc,
    'tevit': draw_tevit,
    'videomt': draw_videomt,
}


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ToolArgumentParser(
        __doc__, 'examples:\n  python tools/docs/draw_methods.py\n'
    )
    parser.add_argument(
        '--out-dir', type=Path, default='docs/pictures', help='folder of the files'
    )
    return parser.parse_args()


def main() -> None:
    """Write the figures."""
    args = parse_args()
    for name, draw in METHODS.items():
        with atomic_file(args.out_dir / f'{name}.svg') as partial:
            partial.write_text(draw().svg(), 'utf-8')


if __name__ == '__main__':
    main()

"""The page itself, made with Gradio."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mmvis.demo_page.video_search import Search, VideoSearch
from mmvis.engine.user_errors import explain, is_user_error
from mmvis.errors import UserValueError
from mmvis.outputs import FORMATS
from mmvis.terminal import printable

if TYPE_CHECKING:
    import gradio

__all__ = ['build_page', 'serve']

_TITLE = 'mmvis: video instance segmentation'
_FILES = [key for key, known in FORMATS.items() if not known.ending.endswith('/')]
_COLUMNS = ('id', 'category', 'score', 'frames')
_DAY = 86400  # seconds
# The page is the same without a connection: no fonts of other hosts.
_FONT = ('system-ui', 'sans-serif')
_CSS = """
.gradio-container {width: 100%; max-width: 1280px !important; margin: 0 auto}
#title h1 {margin: 0.4em 0 0}
#title p {margin: 0; opacity: 0.75}
#status .progress-text {top: 0; bottom: auto}
"""
# On a phone what happens is below the button.
_SHOW_STATUS = """(...inputs) => {
  const status = document.getElementById('status');
  if (status.getBoundingClientRect().bottom > window.innerHeight)
    status.scrollIntoView({behavior: 'smooth'});
  return inputs;
}"""


def build_page(search: VideoSearch) -> gradio.Blocks:
    """Lay the page out.

    Args:
        search (VideoSearch): What it runs.

    Raises:
        UserValueError: If Gradio is not installed.
    """
    gr = _import_gradio()
    names = list(search.choices)
    with gr.Blocks(
        title=_TITLE, analytics_enabled=False, delete_cache=(_DAY, _DAY)
    ) as page:
        gr.Markdown(
            '# mmvis\nDrop a video: each object gets a category, a score and a mask in '
            'every frame, under one identity.',
            elem_id='title',
        )
        with gr.Row():
            with gr.Column(scale=2, min_width=300):
                video = gr.Video(label='Video', sources=['upload'], height=240)
                model = gr.Dropdown(names, value=names[0], label='Model')
                score_thr = gr.Slider(
                    0,
                    1,
                    value=0.3,
                    step=0.01,
                    label='Score threshold',
                    info='Objects with a lower score are not shown.',
                )
                formats = gr.CheckboxGroup(
                    _FILES,
                    value=['json', 'video', 'csv'],
                    label='Files to download',
                    info='json has all that was found, csv a table of the boxes; video '
                    'and strip are pictures of it; the others are for other tools.',
                )
                with gr.Row():
                    start = gr.Button('Find objects', variant='primary')
                    stop = gr.Button('Stop')
            with gr.Column(scale=3, min_width=300):
                status = gr.Textbox(
                    'No video yet.',
                    label='Progress',
                    max_lines=3,
                    elem_id='status',
                )
                picture = gr.Image(
                    label='Frames as they come',
                    format='jpeg',
                    buttons=['fullscreen'],
                    interactive=False,
                )
                overlay = gr.Video(
                    label='The whole video',
                    buttons=[],
                    autoplay=True,
                    loop=True,
                    interactive=False,
                    visible=False,
                )
                files = gr.File(
                    label='Results',
                    file_count='multiple',
                    interactive=False,
                    visible=False,
                )
                tracks = gr.Dataframe(
                    headers=list(_COLUMNS),
                    datatype='str',
                    label='Tracks',
                    interactive=False,
                    visible=False,
                    max_height=260,
                )

        def run(
            video: str | None,
            model: str,
            score_thr: float,
            formats: list[str],
            progress: Any = gr.Progress(),  # noqa: B008 - Gradio looks for it here
        ) -> Iterator[list]:
            num_read = 0

            def count(num_frames: int) -> None:
                nonlocal num_read
                num_read += num_frames
                progress((num_read, None), desc='frames read', unit='frames')

            try:
                for state in search(video, model, score_thr, formats, count):
                    yield _updates(gr, state, score_thr)
            except Exception as error:
                if not is_user_error(error):
                    raise
                message = html.escape(printable(explain(error)))
                raise gr.Error(message, duration=None, print_exception=False) from error

        job = start.click(
            run,
            inputs=[video, model, score_thr, formats],
            outputs=[status, picture, overlay, files, tracks],
            js=_SHOW_STATUS,
            show_progress='minimal',  # else a spinner covers what it says
            show_progress_on=[status],
            concurrency_limit=1,
            api_visibility='private',
        )
        stop.click(
            lambda: 'Stopped.',
            outputs=[status],
            cancels=[job],
            queue=False,
            api_visibility='private',
        )
    return page


def serve(page: gradio.Blocks, port: int | None = None, *, block: bool = True) -> str:
    """Serve the page to this computer alone.

    Args:
        page (gradio.Blocks): The page.
        port (int, optional): Defaults to None: the first free one from 7860.
        block (bool): Whether to wait for Ctrl-C. Defaults to True.

    Returns:
        str: Its address.

    Raises:
        UserValueError: If the port is not free.
    """
    gr = _import_gradio()
    theme = gr.themes.Default(font=_FONT, font_mono=('monospace',)).set(
        block_info_text_color='*neutral_600',
        block_info_text_color_dark='*neutral_300',
    )
    try:
        _, url, _ = page.queue().launch(
            server_name='127.0.0.1',
            server_port=port,
            share=False,
            prevent_thread_lock=True,
            quiet=True,
            allowed_paths=[],
            footer_links=[],
            enable_monitoring=False,
            mcp_server=False,
            ssr_mode=False,
            theme=theme,
            css=_CSS,
        )
    except OSError as error:
        raise UserValueError(
            f'Port {port or "7860 to 7959"} of 127.0.0.1 is not free. Choose another '
            'one with --port.'
        ) from error
    print(f'{url}  (Ctrl-C ends it)', flush=True)  # noqa: T201 - what the command says
    if block:
        page.block_thread()
    return url


def _updates(gr: Any, state: Search, score_thr: float) -> list:
    """New values of status, picture, overlay, files and tracks."""
    hidden = gr.update(visible=False)
    if state.result is None:
        shown = gr.update(value=state.picture, visible=True)
        return [state.status, shown, hidden, hidden, hidden]
    tracks = sorted(state.result, key=lambda track: -track.score)
    rows = [
        [track.id, printable(track.name), f'{track.score:.3f}', len(track.frames)]
        for track in tracks
        if track.score >= score_thr
    ]
    video = state.files.get('video')
    return [
        state.status,
        gr.update(visible=video is None),
        hidden if video is None else gr.update(value=str(video), visible=True),
        gr.update(value=list(map(str, state.files.values())), visible=True),
        gr.update(value=rows, visible=True),
    ]


def _import_gradio() -> Any:
    try:
        import gradio
    except ImportError as error:
        raise UserValueError(
            f'Gradio is not available ({error}). Install it: pip install '
            "'mmvis[demo]', or 'gradio>=6.6,<7' in an environment of tools/install.sh."
        ) from error
    return gradio

"""The page of `mmvis demo`: a video through a model, in a browser."""

from mmvis.demo_page.model_choices import ModelChoice, find_choices
from mmvis.demo_page.page import build_page, serve
from mmvis.demo_page.video_search import Search, VideoSearch

__all__ = [
    'ModelChoice',
    'Search',
    'VideoSearch',
    'build_page',
    'find_choices',
    'serve',
]

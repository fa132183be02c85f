"""Sphinx configuration: Markdown pages and the reference of the package."""

import re
from pathlib import Path

import mmvis

project = 'mmvis'
author = 'mmvis contributors'
copyright = author  # noqa: A001 - Sphinx reads this name
version = release = mmvis.__version__

extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.autosummary',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
    'sphinx_copybutton',
]
myst_heading_anchors = 4
napoleon_numpy_docstring = False
napoleon_use_ivar = True
autodoc_typehints = 'none'  # the docstrings give types, with shapes
autodoc_member_order = 'bysource'
templates_path = ['_templates']
autosummary_ignore_module_all = False
exclude_patterns = ['_build']

html_theme = 'furo'
html_title = 'mmvis'
html_copy_source = html_show_sourcelink = False  # the pages are Markdown on the host

_LINK_OUT = re.compile(r'\[([^\]]+)\]\(\.\./[^)]+\)')


def _unlink(app, docname, source):
    """Keep only the text of links to files of the repository that are no pages."""
    source[0] = _LINK_OUT.sub(r'\1', source[0])


def _include(app, docname, source):
    """Show a file of the root in place of a page that only links to it."""
    name = {'changelog': 'CHANGELOG.md', 'contributing': 'CONTRIBUTING.md'}.get(docname)
    if name is not None:
        text = (Path(app.srcdir).parent / name).read_text('utf-8')
        text = text.replace('](docs/', '](')
        source[0] = re.sub(r'\]\((?!https:|#|\w+\.md)', '](../', text)


def setup(app):
    """Register what this file adds to Sphinx."""
    app.connect('source-read', _include)
    app.connect('source-read', _unlink)

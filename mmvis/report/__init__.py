"""Reports of tests as pages for a browser."""

from mmvis.report.html_report import write_html_report

__all__ = ['write_html_report']

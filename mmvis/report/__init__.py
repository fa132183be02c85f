"""HTML reports of tests."""

from mmvis.report.html_report import write_html_report

__all__ = ['write_html_report']

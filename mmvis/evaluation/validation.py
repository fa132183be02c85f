"""Validation of parsed ground truth and results."""

from __future__ import annotations

from typing import Any

from mmvis.evaluation.json_files import parse_ground_truth
from mmvis.structures.results_json import parse_results, to_json

__all__ = ['validate_ground_truth', 'validate_results']


def validate_ground_truth(gt: Any, source: str = 'ground truth') -> dict:
    """Check the content of a ground-truth json, with or without annotations.

    Args:
        gt (Any): The parsed json. Not modified.
        source (str): Name of the file, for messages.

    Returns:
        dict: What is to be scored, see
        :func:`mmvis.evaluation.json_files.parse_ground_truth`.

    Raises:
        ValueError: If it is not what the format asks for; the message starts with
            the file and the field.
    """
    return parse_ground_truth(to_json(gt, source), source)


def validate_results(results: Any, gt: dict, source: str = 'results') -> list[dict]:
    """Check the content of a results json for a ground truth.

    Args:
        results (Any): The parsed json. Not modified.
        gt (dict): The ground truth, checked; annotations are not needed.
        source (str): Name of the file, for messages.

    Returns:
        list[dict]: See :func:`mmvis.structures.results_json.parse_results`.

    Raises:
        ValueError: At the first entry that a server would reject, or that would
            count for less than it should; the message starts with the file, the
            entry and the field.
    """
    return parse_results(to_json(results, source), gt, source)

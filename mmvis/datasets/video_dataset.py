"""What all data sets of videos have, whoever made them."""

from __future__ import annotations

from typing import Protocol

__all__ = ['VideoDataset']


class VideoDataset(Protocol):
    """A data set of videos, or of several such data sets joined."""

    @property
    def metainfo(self) -> dict:
        """Classes and so on."""

    def __len__(self) -> int: ...

    def __getitem__(self, idx: int) -> dict: ...

    def get_data_info(self, idx: int) -> dict:
        """Return the record of a video."""

    def get_cat_ids(self, idx: int) -> list[int]:
        """Return the labels of a record's instances."""

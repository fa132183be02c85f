from mmvis.evaluation.object_rows import one_row_per_object


def row(video_id, counts, score):
    masks = [None, dict(size=[2, 2], counts=counts)]
    return dict(video_id=video_id, category_id=1, score=score, segmentations=masks)


ROWS = [row(1, 'a', 0.4), row(1, 'b', 0.2), row(1, 'a', 0.6), row(2, 'a', 0.5)]


def test_best_row_of_each_object_by_descending_score():
    assert one_row_per_object(ROWS, 0.0) == [2, 3, 1]


def test_rows_below_the_threshold_are_left_out():
    assert one_row_per_object(ROWS, 0.5) == [2, 3]


def test_rows_to_choose_from():
    assert one_row_per_object(ROWS, 0.0, [0, 1]) == [0, 1]
    assert one_row_per_object(ROWS, 0.0, []) == []

from mmvis.structures import EncodedMask, EncodedMasks


def test_masks_stay_as_they_are():
    first = EncodedMask(b'05', [0.0, 0.0, 1.0, 5.0])
    second = EncodedMask('14', [0.0, 1.0, 1.0, 5.0])
    masks = EncodedMasks([first, second])
    assert len(masks) == 2
    assert masks.select([1, 0]).encode((5, 1)) == [second, first]
    assert masks.select([1]).pack() == [second]
    assert masks.select([]).encode((5, 1)) == []

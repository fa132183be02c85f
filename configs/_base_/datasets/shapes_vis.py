# ShapesVIS, made by tools/dataset_converters/make_shapes_vis.py:
#   data/shapes_vis/{train,valid}.json
#   data/shapes_vis/{train,valid}/JPEGImages/<video>/<frame>.jpg
_base_ = 'custom.py'

data_root = 'data/shapes_vis/'

train_dataloader = dict(
    dataset=dict(data_root=data_root, data_prefix=dict(img='train/JPEGImages/'))
)
val_dataloader = dict(
    dataset=dict(data_root=data_root, data_prefix=dict(img='valid/JPEGImages/'))
)
test_dataloader = val_dataloader

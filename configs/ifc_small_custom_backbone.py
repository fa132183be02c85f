# First lesson of ifc_small_custom.py, see there.
_base_ = 'ifc_small_shapes_backbone.py'

data_root = 'data/custom/'
model = dict(head=dict(num_classes=4))
train_dataloader = dict(
    dataset=dict(data_root=data_root, data_prefix=dict(img='JPEGImages/'))
)

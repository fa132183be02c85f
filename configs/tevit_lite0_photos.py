# tevit_lite0_custom.py for animals, vehicles, people and riders, trained on videos of
# these classes and on photos of COCO's:
#   python tools/train.py configs/tevit_lite0_photos.py --cfg-options \
#       data_root=VIDEOS photo_root=PHOTOS
_base_ = [
    '_base_/models/tevit_lite.py',
    '_base_/datasets/videos_and_photos.py',
    '_base_/schedules/adamw_minutes.py',
    '_base_/default_runtime.py',
]

classes = ['animal', 'vehicle', 'person', 'rider']
class_map = {
    'bird': 'animal',
    'cat': 'animal',
    'dog': 'animal',
    'horse': 'animal',
    'sheep': 'animal',
    'cow': 'animal',
    'elephant': 'animal',
    'bear': 'animal',
    'zebra': 'animal',
    'giraffe': 'animal',
    'car': 'vehicle',
    'motorcycle': 'vehicle',
    'airplane': 'vehicle',
    'bus': 'vehicle',
    'train': 'vehicle',
    'truck': 'vehicle',
    'boat': 'vehicle',
    'person': 'person',
    'person on bicycle': 'rider',
    'person on motorcycle': 'rider',
    'person on horse': 'rider',
}
default_hooks = dict(
    logger=dict(interval=100), checkpoint=dict(interval=400, max_keep_ckpts=2)
)

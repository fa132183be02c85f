# One of two scales in training, instead of any between them.
_base_ = 'tevit_r50.py'

train_dataloader = dict(dataset=dict(pipeline={{_base_.choice_pipeline}}))

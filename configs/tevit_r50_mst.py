# Training frames have one of two scales instead of any scale between them.
_base_ = 'tevit_r50.py'

train_dataloader = dict(dataset=dict(pipeline={{_base_.choice_pipeline}}))

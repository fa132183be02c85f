# Training frames have one of two scales instead of any scale between them.
_base_ = 'tevit_msgshift.py'

train_dataloader = dict(dataset=dict(pipeline={{_base_.choice_pipeline}}))

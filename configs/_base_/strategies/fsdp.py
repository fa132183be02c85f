# Weights, gradients and states of the optimizer are shared among the processes. A
# second base file: _base_ = ['videomt_vit-l.py', '_base_/strategies/fsdp.py']
runner_type = 'FlexibleRunner'
strategy = dict(type='FSDPStrategy')

# Gradients and states of the optimizer are shared among the processes by DeepSpeed. A
# second base file: _base_ = ['videomt_vit-l.py', '_base_/strategies/deepspeed.py']
runner_type = 'FlexibleRunner'
strategy = dict(type='DeepSpeedStrategy')
